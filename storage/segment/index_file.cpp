#include "storage/segment/index_file.h"

#include "common/batch/crc32c.h"
#include "storage/segment/chunk_checks.h"

#include <limits>
#include <string_view>

namespace xylem::storage {
namespace {

constexpr std::uint32_t kIndexMagic = 0x58494458;      // XIDX
constexpr std::uint32_t kTimeIndexMagic = 0x5854494d;  // XTIM
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kEpochBytes = 12;
constexpr std::size_t kEntryBytes = 8;
constexpr std::size_t kTimeEntryBytes = 12;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kTimeHeadBytes = 20;
static_assert(kIndexHeadBytes == 4 + 4 + 5 * 8 + 3 * 4);

// Takes integers off the front; the caller has checked that they are there.
class Fields {
 public:
  explicit Fields(Bytes bytes) : left_(bytes) {}

  template <class T>
  T take() {
    const auto value = load_be<T>(left_);
    left_ = left_.subspan(sizeof(T));
    return value;
  }

 private:
  Bytes left_;
};

struct Counts {
  std::uint32_t epochs = 0;
  std::uint32_t chunks = 0;
  std::uint32_t entries = 0;
};

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(Errc::kCorrupt, "index: " + std::string(what));
}

Result<Counts> counts_of(Bytes file) {
  if (file.size() < kIndexHeadBytes) return corrupt("head is cut");
  Fields fields(file);
  if (fields.take<std::uint32_t>() != kIndexMagic) return corrupt("not an index");
  if (fields.take<std::uint32_t>() != kVersion) return corrupt("unknown version");
  Fields counts(file.subspan(kIndexHeadBytes - 3 * sizeof(std::uint32_t)));
  const auto epochs = counts.take<std::uint32_t>();
  const auto chunks = counts.take<std::uint32_t>();
  return Counts{epochs, chunks, counts.take<std::uint32_t>()};
}

std::size_t facts_bytes(const Counts& counts) {
  return kIndexHeadBytes + std::size_t{counts.epochs} * kEpochBytes +
         std::size_t{counts.chunks} * sizeof(std::uint32_t) + kCrcBytes;
}

void seal(Buffer& out, std::size_t from) { append_be(crc32c(Bytes(out).subspan(from)), out); }

bool is_sealed(Bytes part) {
  return crc32c(part.first(part.size() - kCrcBytes)) ==
         load_be<std::uint32_t>(part.last(kCrcBytes));
}

}  // namespace

Buffer encode_index(const SegmentFacts& facts, const SparseIndex& index) {
  Buffer out;
  append_be(kIndexMagic, out);
  append_be(kVersion, out);
  append_be(facts.base.value(), out);
  append_be(facts.end.value(), out);
  append_be(facts.bytes, out);
  append_be(facts.max_timestamp_ms, out);
  append_be(facts.appended_ms, out);
  append_be(static_cast<std::uint32_t>(facts.epochs.size()), out);
  append_be(static_cast<std::uint32_t>(facts.chunk_crcs.size()), out);
  append_be(static_cast<std::uint32_t>(index.size()), out);
  for (const auto& epoch : facts.epochs) {
    append_be(epoch.epoch.value(), out);
    append_be(epoch.start.value(), out);
  }
  for (const auto crc : facts.chunk_crcs) append_be(crc, out);
  seal(out, 0);
  const auto entries_at = out.size();
  for (std::size_t i = 0; i < index.size(); ++i) {
    append_be(index[i].offset, out);
    append_be(index[i].position, out);
  }
  seal(out, entries_at);
  return out;
}

Buffer encode_time_index(Offset base, const TimeIndex& index) {
  Buffer out;
  append_be(kTimeIndexMagic, out);
  append_be(kVersion, out);
  append_be(base.value(), out);
  append_be(static_cast<std::uint32_t>(index.size()), out);
  for (std::size_t i = 0; i < index.size(); ++i) {
    append_be(index[i].latest_before_ms, out);
    append_be(index[i].position, out);
  }
  seal(out, 0);
  return out;
}

Result<std::size_t> index_facts_bytes(Bytes file) {
  auto counts = counts_of(file);
  if (!counts) return pass(counts);
  const auto bytes = facts_bytes(*counts);
  if (bytes > kIndexBytesMax) return corrupt("counts are impossible");
  return bytes;
}

Result<SegmentFacts> decode_index_facts(Bytes file) {
  auto counts = counts_of(file);
  if (!counts) return pass(counts);
  const auto bytes = facts_bytes(*counts);
  if (bytes > file.size()) return corrupt("facts are cut");
  if (!is_sealed(file.first(bytes))) return corrupt("checksum of the facts");

  SegmentFacts facts;
  Fields fields(file.subspan(2 * sizeof(std::uint32_t)));
  facts.base = Offset(fields.take<std::int64_t>());
  facts.end = Offset(fields.take<std::int64_t>());
  facts.bytes = fields.take<std::int64_t>();
  facts.max_timestamp_ms = fields.take<std::int64_t>();
  facts.appended_ms = fields.take<std::int64_t>();
  constexpr std::int64_t kBytesMax = std::numeric_limits<std::uint32_t>::max();
  if (facts.base < Offset(0) || facts.end > kOffsetMax || facts.end < facts.base ||
      facts.bytes < 0 || facts.bytes > kBytesMax)
    return corrupt("offsets or sizes are impossible");
  const auto log_bytes = static_cast<std::size_t>(facts.bytes);
  if (counts->chunks != (log_bytes + kChunkBytes - 1) / kChunkBytes)
    return corrupt("chunks do not fit the log");

  Fields lists(file.subspan(kIndexHeadBytes));
  for (std::uint32_t i = 0; i < counts->epochs; ++i) {
    const Epoch epoch(lists.take<std::int32_t>());
    const Offset start(lists.take<std::int64_t>());
    if (!facts.epochs.empty() &&
        (epoch <= facts.epochs.back().epoch || start <= facts.epochs.back().start))
      return corrupt("epochs do not ascend");
    if (start < facts.base || start >= facts.end) return corrupt("an epoch outside the segment");
    facts.epochs.push_back({epoch, start});
  }
  for (std::uint32_t i = 0; i < counts->chunks; ++i)
    facts.chunk_crcs.push_back(lists.take<std::uint32_t>());
  return facts;
}

Result<std::shared_ptr<SparseIndex>> decode_index(Bytes file) {
  auto facts = decode_index_facts(file);
  if (!facts) return pass(facts);
  const auto counts = *counts_of(file);
  const auto part = file.subspan(facts_bytes(counts));
  const auto bytes = std::size_t{counts.entries} * kEntryBytes + kCrcBytes;
  if (part.size() != bytes) return corrupt("entries are cut, or something follows them");
  if (!is_sealed(part)) return corrupt("checksum of the entries");
  auto index = std::make_shared<SparseIndex>(facts->base);
  Fields fields(part);
  for (std::uint32_t i = 0; i < counts.entries; ++i) {
    const auto offset = fields.take<std::uint32_t>();
    const IndexEntry entry{offset, fields.take<std::uint32_t>()};
    if (entry.position >= facts->bytes || facts->base + entry.offset >= facts->end ||
        !index->restore(entry))
      return corrupt("entries do not ascend within the segment");
  }
  return index;
}

Result<std::shared_ptr<TimeIndex>> decode_time_index(Bytes file, Offset base) {
  if (file.size() < kTimeHeadBytes + kCrcBytes) return corrupt("head is cut");
  Fields fields(file);
  if (fields.take<std::uint32_t>() != kTimeIndexMagic) return corrupt("not a time index");
  if (fields.take<std::uint32_t>() != kVersion) return corrupt("unknown version");
  if (fields.take<std::int64_t>() != base.value()) return corrupt("another segment's");
  const auto count = fields.take<std::uint32_t>();
  if (file.size() != kTimeHeadBytes + std::size_t{count} * kTimeEntryBytes + kCrcBytes)
    return corrupt("entries are cut, or something follows them");
  if (!is_sealed(file)) return corrupt("checksum");
  auto index = std::make_shared<TimeIndex>();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto latest = fields.take<std::int64_t>();
    if (!index->restore({latest, fields.take<std::uint32_t>()}))
      return corrupt("entries do not ascend");
  }
  return index;
}

}  // namespace xylem::storage
