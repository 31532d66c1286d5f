#include "broker/dead_letters/first_record.h"

#include "common/batch/batch.h"

namespace xylem::broker {
namespace {

constexpr std::size_t kReadBytes = 256ULL * 1024;

struct Range {
  Offset from;
  Offset below;
};

std::optional<FoundRecord> first_in(Bytes batch,
                                    const BatchHeader& header,
                                    const Range& range,
                                    const std::function<bool(const RecordView&)>& is_meant) {
  if (header.next_offset() <= range.from || header.is_control()) return std::nullopt;
  auto reader = BatchReader::open(batch);
  if (!reader) return std::nullopt;  // no consumer can have read it either
  while (auto record = reader->next()) {
    if (!*record || (*record)->offset >= range.below) return std::nullopt;
    if ((*record)->offset >= range.from && is_meant(**record))
      return FoundRecord{(*record)->offset, header.epoch, (*record)->to_record()};
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<FoundRecord>> first_record(
    storage::PartitionLog& log,
    Offset from,
    Offset below,
    const std::function<bool(const RecordView&)>& is_meant) {
  const Range range{from, below};
  std::size_t looked_at = 0;
  for (auto at = from; at < below && looked_at < kLookBytesMax;) {
    auto warm = log.warm_up(at, kReadBytes);
    if (!warm) return pass(warm);
    if (!*warm) return fail(Errc::kUnavailable, "the record is being read from disk", "retry");
    // Of a batch that goes beyond `below` the first part may be meant.
    auto read = log.read(at, kReadBytes, log.written_end());
    if (!read) return pass(read);
    for (const auto& slice : read->slices) {
      for (auto left = slice.bytes; !left.empty();) {
        const auto header = read_batch_header(left);
        if (!header) break;
        auto found = first_in(left.first(header->bytes), *header, range, is_meant);
        if (found) return found;
        left = left.subspan(header->bytes);
      }
    }
    if (read->next <= at) break;
    at = read->next;
    looked_at += read->bytes;
  }
  return std::nullopt;
}

}  // namespace xylem::broker
