#include "broker/delivery/delivery_gaps.h"

namespace xylem::broker {

using network::TakesGaps;

GapCounters gap_counters(Metrics& metrics) {
  return {metrics.counter("xylem_delivery_gaps_total",
                          "Times that a consumer was told that retention was faster."),
          metrics.counter("xylem_delivery_gap_records_total",
                          "Offsets that consumers were told to be gone.")};
}

bool takes_gap(TakesGaps wish, const TopicDefinition& topic) {
  const bool is_compacted = topic.cleanup == storage::Cleanup::kCompact;
  return wish == TakesGaps::kYes || (wish == TakesGaps::kUnlessCompacted && !is_compacted);
}

network::Gap gap_at(const Partition& partition, Offset from) {
  const bool is_upstream = from < partition.begun_anew_at();
  return {.topic = partition.topic(),
          .partition = partition.id().partition,
          .incarnation = partition.id().incarnation,
          .from = from,
          .to = partition.log()->start_offset(),
          .reason = is_upstream ? network::GapReason::kUpstream : network::GapReason::kRetention};
}

}  // namespace xylem::broker
