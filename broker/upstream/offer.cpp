#include "broker/upstream/offer.h"

#include <utility>

namespace xylem::broker {

Offer::Offer(PartitionTable& partitions, Identity identity)
    : partitions_(partitions), identity_(std::move(identity)) {}

std::optional<pipe::SourcePartition> Offer::find(const LogId& log) const {
  const auto* partition = partitions_.find(log);
  if (partition == nullptr || identity_.keeps(log)) return std::nullopt;
  pipe::SourcePartition source;
  source.log = partition->log();
  source.high_watermark = partition->high_watermark();
  source.age_ms = partition->age_ms();
  source.is_leader = partition->is_leader();
  source.epoch = partition->epoch();
  const auto bounds = source.log->compaction();
  source.compacted_below = bounds.compacted_below;
  source.tombstone_horizon = bounds.tombstone_horizon;
  return source;
}

}  // namespace xylem::broker
