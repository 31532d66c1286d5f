#include "broker/partitions/read_records.h"

#include "common/batch/batch.h"

namespace xylem::broker {
namespace {

void read_batch(Bytes batch, Offset from, const std::function<void(const RecordView&)>& each) {
  auto reader = BatchReader::open(batch);
  if (!reader) return;
  while (auto record = reader->next()) {
    if (!*record) return;
    if ((*record)->offset >= from) each(**record);
  }
}

}  // namespace

Result<Offset> read_records(const storage::PartitionLog& log,
                            Offset from,
                            Offset below,
                            std::size_t bytes_max,
                            const std::function<void(const RecordView&)>& each) {
  const auto read = log.read(from, bytes_max, below);
  if (!read) return std::unexpected(read.error());
  for (const auto& slice : read->slices) {
    for (auto left = slice.bytes; !left.empty();) {
      const auto header = read_batch_header(left);
      if (!header) break;
      if (header->next_offset() > from) read_batch(left.first(header->bytes), from, each);
      left = left.subspan(header->bytes);
    }
  }
  return read->next;
}

}  // namespace xylem::broker
