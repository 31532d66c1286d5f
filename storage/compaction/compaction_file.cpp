#include "storage/compaction/compaction_file.h"

#include "common/batch/crc32c.h"
#include "common/check.h"
#include "storage/disk.h"

#include <array>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::uint32_t kMagic = 0x58434d50;  // XCMP
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCrcAt = kCompactionSlotBytes - sizeof(std::uint32_t);
constexpr std::size_t kSlots = 2;

// Takes integers off the front of a slot, which is long enough for all of them.
class Fields {
 public:
  explicit Fields(Bytes bytes) : left_(bytes) {}

  template <class T>
  T take() {
    const auto value = load_be<T>(left_);
    left_ = left_.subspan(sizeof(T));
    return value;
  }

  Offset offset() { return Offset(take<std::int64_t>()); }

 private:
  Bytes left_;
};

bool is_possible(const CompactionState& state) {
  const auto possible = [](Offset offset) { return offset >= Offset(0) && offset <= kOffsetMax; };
  if (!possible(state.cleaned_to) || !possible(state.bounds.compacted_below) ||
      !possible(state.bounds.tombstone_horizon))
    return false;
  if (state.swap && (!possible(state.swap->base) || !possible(state.swap->end) ||
                     state.swap->base >= state.swap->end || state.swap->bytes <= 0))
    return false;
  for (std::size_t i = 0; i < state.marks.size(); ++i) {
    const auto& mark = state.marks[i];
    if (!possible(mark.below)) return false;
    if (i > 0 && (mark.below <= state.marks[i - 1].below ||
                  mark.appended_ms < state.marks[i - 1].appended_ms))
      return false;
  }
  return true;
}

bool decode_slot(Bytes bytes, CompactionSlot& out) {
  Fields fields(bytes);
  if (fields.take<std::uint32_t>() != kMagic || fields.take<std::uint32_t>() != kVersion)
    return false;
  if (load_be<std::uint32_t>(bytes.subspan(kCrcAt)) != crc32c(bytes.first(kCrcAt))) return false;
  out.sequence = fields.take<std::uint64_t>();
  auto& state = out.state;
  state.cleaned_to = fields.offset();
  state.bounds.compacted_below = fields.offset();
  state.bounds.tombstone_horizon = fields.offset();
  SegmentSwap swap;
  swap.base = fields.offset();
  swap.end = fields.offset();
  swap.bytes = fields.take<std::int64_t>();
  if (swap != SegmentSwap()) state.swap = swap;
  const auto marks = fields.take<std::uint32_t>();
  if (marks > CompactionState::kMarksMax) return false;
  for (std::uint32_t i = 0; i < marks; ++i) {
    const auto below = fields.offset();
    state.marks.push_back({below, fields.take<std::int64_t>()});
  }
  return is_possible(state);
}

}  // namespace

Buffer encode_compaction(const CompactionSlot& slot) {
  const auto& state = slot.state;
  XYLEM_CHECK(state.marks.size() <= CompactionState::kMarksMax);
  const auto swap = state.swap.value_or(SegmentSwap());
  Buffer out;
  append_be(kMagic, out);
  append_be(kVersion, out);
  append_be(slot.sequence, out);
  append_be(state.cleaned_to.value(), out);
  append_be(state.bounds.compacted_below.value(), out);
  append_be(state.bounds.tombstone_horizon.value(), out);
  append_be(swap.base.value(), out);
  append_be(swap.end.value(), out);
  append_be(swap.bytes, out);
  append_be(static_cast<std::uint32_t>(state.marks.size()), out);
  for (const auto& mark : state.marks) {
    append_be(mark.below.value(), out);
    append_be(mark.appended_ms, out);
  }
  out.resize(kCrcAt);
  append_be(crc32c(out), out);
  return out;
}

Result<CompactionSlot> decode_compaction(Bytes file) {
  std::optional<CompactionSlot> best;
  for (std::size_t i = 0; i < kSlots && (i + 1) * kCompactionSlotBytes <= file.size(); ++i) {
    CompactionSlot slot;
    if (decode_slot(file.subspan(i * kCompactionSlotBytes, kCompactionSlotBytes), slot) &&
        (!best || slot.sequence >= best->sequence))
      best = std::move(slot);
  }
  if (!best) return fail(Errc::kCorrupt, "no slot is good");
  return *best;
}

CompactionFile::CompactionFile(Disk& disk, std::string path)
    : disk_(disk), path_(std::move(path)) {}

Result<std::optional<CompactionState>> CompactionFile::load() {
  constexpr std::size_t kFileBytesMax = 64UL * 1024;
  auto content = read_file(disk_, path_, kFileBytesMax);
  exists_ = content.has_value() || content.error().code() != Errc::kNotFound;
  if (!exists_) return std::nullopt;
  if (!content) return pass(content);
  auto slot = decode_compaction(*content);
  if (!slot) return pass(slot, path_);
  sequence_ = slot->sequence;
  return std::move(slot->state);
}

// In one step, so that a crash leaves no file without a good slot.
Status CompactionFile::create(const CompactionState& state) {
  static_assert(kSlots == 2);
  auto content = encode_compaction({state, 1});
  content.insert(content.begin(), kCompactionSlotBytes, std::byte{0});
  if (auto made = disk_.make_directories(directory_of(path_)); !made) return made;
  auto created = replace_file(disk_, path_, content);
  exists_ = created.has_value();
  sequence_ = 1;
  return created;
}

// What failed is written again to the same slot: the other one is the last that is known to hold.
Status CompactionFile::store(const CompactionState& state) {
  if (!exists_) return create(state);
  const auto sequence = sequence_ + 1;
  auto file = disk_.open(path_, Disk::Open::kWrite);
  if (!file) return pass(file);
  const auto slot = encode_compaction({state, sequence});
  const std::array pieces = {Bytes(slot)};
  const auto at = static_cast<std::int64_t>(sequence % kSlots * kCompactionSlotBytes);
  if (auto wrote = (*file)->write_at(at, pieces); !wrote) return wrote;
  if (auto synced = (*file)->sync(); !synced) return synced;
  sequence_ = sequence;
  return {};
}

}  // namespace xylem::storage
