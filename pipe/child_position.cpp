#include "pipe/child_position.h"

#include <algorithm>
#include <optional>

namespace xylem::pipe {

Result<FetchPartition> position_of(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset compacted_below) {
  return position_at(id, log, log.end_offset(), compacted_below);
}

Result<FetchPartition> position_at(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset cursor,
                                   Offset compacted_below) {
  FetchPartition at;
  at.log = id;
  at.cursor = cursor;
  at.compacted_below = compacted_below;
  auto last = log.last_batch_below(at.cursor);
  if (!last) return pass(last, "last batch");
  if (const std::optional<storage::LastBatch>& batch = *last; batch) {
    at.last_epoch = batch->epoch;
    at.last_crc = batch->crc;
  }
  return at;
}

Result<Offset> cut_point(const storage::PartitionLog& log, const FetchedPartition& diverged) {
  Offset cut = diverged.offset;
  for (const auto& [epoch, start] : log.epochs()) {
    if (epoch > diverged.epoch) {
      cut = std::min(cut, start);
      break;
    }
  }
  auto last = log.last_batch_below(log.end_offset());
  if (!last) return pass(last, "last batch");
  if (const std::optional<storage::LastBatch>& batch = *last; batch)
    cut = std::min(cut, batch->base_offset);
  return cut;
}

}  // namespace xylem::pipe
