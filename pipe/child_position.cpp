#include "pipe/child_position.h"

#include <algorithm>

namespace xylem::pipe {

Result<FetchPartition> position_of(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset compacted_below) {
  FetchPartition at;
  at.log = id;
  at.cursor = log.end_offset();
  at.compacted_below = compacted_below;
  auto last = log.last_batch_below(at.cursor);
  if (!last) return pass(last, "last batch");
  if (*last) {
    at.last_epoch = (*last)->epoch;
    at.last_crc = (*last)->crc;
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
  if (*last) cut = std::min(cut, (*last)->base_offset);
  return cut;
}

}  // namespace xylem::pipe
