#include "storage/synced_file.h"

#include "common/batch/crc32c.h"
#include "storage/disk.h"
#include "storage/partition_log.h"

#include <array>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::uint32_t kMagic = 0x5853594e;  // XSYN
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCrcAt = SyncedFile::kSlotBytes - sizeof(std::uint32_t);

bool decode_slot(Bytes slot, SyncedSlot& out) {
  if (load_be<std::uint32_t>(slot) != kMagic) return false;
  if (load_be<std::uint32_t>(slot.subspan(4)) != kVersion) return false;
  if (load_be<std::uint32_t>(slot.subspan(kCrcAt)) != crc32c(slot.first(kCrcAt))) return false;
  out.sequence = load_be<std::uint64_t>(slot.subspan(8));
  out.bound.synced = Offset(load_be<std::int64_t>(slot.subspan(16)));
  out.bound.start = Offset(load_be<std::int64_t>(slot.subspan(24)));
  const auto possible = [](Offset offset) { return offset >= Offset(0) && offset <= kOffsetMax; };
  return possible(out.bound.start) && possible(out.bound.synced);
}

}  // namespace

SyncedSlot decode_synced(Bytes file) {
  SyncedSlot best;
  for (std::size_t at = 0;
       at + SyncedFile::kSlotBytes <= file.size() && at < 2 * SyncedFile::kSlotBytes;
       at += SyncedFile::kSlotBytes) {
    SyncedSlot slot;
    if (decode_slot(file.subspan(at, SyncedFile::kSlotBytes), slot) &&
        slot.sequence >= best.sequence)
      best = slot;
  }
  return best;
}

Buffer encode_synced(const SyncedSlot& slot) {
  Buffer out;
  append_be(kMagic, out);
  append_be(kVersion, out);
  append_be(slot.sequence, out);
  append_be(slot.bound.synced.value(), out);
  append_be(slot.bound.start.value(), out);
  out.resize(kCrcAt);
  append_be(crc32c(out), out);
  return out;
}

SyncedFile::SyncedFile(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

Result<SyncedSlot> read_synced(Disk& disk, const std::string& path) {
  auto content = read_file(disk, path, 1024);
  if (!content && content.error().code() == Errc::kNotFound) return SyncedSlot{};
  if (!content && content.error().code() == Errc::kCorrupt) return SyncedSlot{};
  if (!content) return pass(content);
  return decode_synced(*content);
}

Result<SyncedBound> SyncedFile::load() {
  const auto slot = read_synced(disk_, path_);
  if (!slot) return std::unexpected(slot.error());
  sequence_ = slot->sequence;
  // Whoever wrote it may have died before it was synced, or failed to; from now on others go by it.
  if (slot->sequence > 0) {
    auto stored = store_durably(slot->bound);
    if (!stored && stored.error().code() != Errc::kDiskFull) return pass(stored);
  }
  return slot->bound;
}

Status SyncedFile::sync(File& file) {
  if (auto synced = file.sync(); !synced) return synced;
  if (name_is_durable_) return {};
  auto named = disk_.sync_directory(directory_of(path_));
  name_is_durable_ = named.has_value();
  return named;
}

Status SyncedFile::store(const SyncedBound& bound) { return write(bound, false); }

Status SyncedFile::store_durably(const SyncedBound& bound) { return write(bound, true); }

Status SyncedFile::write(const SyncedBound& bound, bool durably) {
  auto file = disk_.open(path_, Disk::Open::kWrite);
  if (!file && file.error().code() == Errc::kNotFound)
    file = disk_.open(path_, Disk::Open::kCreate);
  if (!file) return pass(file);
  ++sequence_;
  const auto slot = encode_synced({bound, sequence_});
  const std::array pieces = {Bytes(slot)};
  const auto at = static_cast<std::int64_t>(sequence_ % 2 * kSlotBytes);
  if (auto wrote = (*file)->write_at(at, pieces); !wrote) return wrote;
  return durably ? sync(**file) : Status();
}

}  // namespace xylem::storage
