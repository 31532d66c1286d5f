#include "pipe/child_position.h"

#include <algorithm>
#include <optional>

namespace xylem::pipe {

Result<FetchPartition> position_of(const LogId& id, const storage::PartitionLog& log) {
  return position_at(id, log, log.end_offset());
}

Result<FetchPartition> position_at(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset cursor) {
  FetchPartition at;
  at.log = id;
  at.cursor = cursor;
  at.compacted_below = log.compaction().compacted_below;
  at.tombstone_horizon = log.compaction().tombstone_horizon;
  auto last = log.last_batch_below(at.cursor);
  if (!last) return pass(last, "last batch");
  if (const std::optional<storage::LastBatch>& batch = *last; batch) {
    at.last_epoch = batch->epoch;
    at.last_crc = batch->crc;
  }
  return at;
}

std::optional<storage::CompactionBounds> inherited(const storage::PartitionLog& log,
                                                   const FetchedPartition& fetched) {
  const auto own = log.compaction();
  const auto cursor = log.end_offset();
  if (fetched.batches.empty()) return std::nullopt;
  if (log.start_offset() == cursor) {
    const storage::CompactionBounds theirs{fetched.compacted_below, fetched.tombstone_horizon};
    return theirs == own ? std::nullopt : std::optional(theirs);
  }
  auto next = own;
  if (cursor < fetched.compacted_below)
    next.compacted_below = std::max(own.compacted_below, fetched.compacted_below);
  if (cursor < own.tombstone_horizon && fetched.tombstone_horizon < own.tombstone_horizon)
    next.tombstone_horizon = std::max(fetched.tombstone_horizon, cursor);
  return next == own ? std::nullopt : std::optional(next);
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
