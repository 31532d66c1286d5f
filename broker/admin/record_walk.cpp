#include "broker/admin/record_walk.h"

#include "common/batch/batch.h"

namespace xylem::broker {

Result<RecordWalk::Stop> RecordWalk::run(const Partition& partition, const Take& take) {
  auto& log = *partition.log();
  while (next_ < partition.high_watermark()) {
    auto warm = log.warm_up(next_, kReadBytes);
    if (!warm) return pass(warm);
    if (!*warm) return Stop::kDisk;
    auto read = log.read(next_, kReadBytes, partition.high_watermark());
    if (!read) return pass(read);
    if (read->slices.empty()) break;
    for (const auto& slice : read->slices) {
      auto taken = walk(slice.bytes, take);
      if (!taken) return pass(taken);
      if (!*taken) return Stop::kFull;
    }
    next_ = read->next;
  }
  return Stop::kEnd;
}

Result<bool> RecordWalk::walk(Bytes batches, const Take& take) {
  while (!batches.empty()) {
    auto header = check_batch(batches);
    if (!header) return pass(header);
    const auto taken = walk_batch(*header, batches.first(header->bytes), take);
    if (!taken || !*taken) return taken;
    batches = batches.subspan(header->bytes);
  }
  return true;
}

Result<bool> RecordWalk::walk_batch(const BatchHeader& header, Bytes batch, const Take& take) {
  if (header.is_control() || header.next_offset() <= next_) return true;
  auto reader = BatchReader::open(batch);
  if (!reader) return pass(reader);
  while (auto record = reader->next()) {
    if (!*record) return pass(*record);
    if ((*record)->offset < next_) continue;
    if (!take(header, **record)) return false;
    next_ = (*record)->offset + 1;
  }
  return true;
}

}  // namespace xylem::broker
