// Gaps: what retention has removed before a consumer came to it. Told, counted, never silent.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition.h"
#include "broker/topics/topic_definition.h"
#include "common/ids.h"
#include "common/metrics.h"
#include "network/protocol/messages.h"

namespace xylem::broker {

struct GapCounters {
  Counter& gaps;
  Counter& records;  // offsets that were skipped
};

// Made at the first call, the same at each.
[[nodiscard]] GapCounters gap_counters(Metrics& metrics);

// Whether a cursor of `topic` below the log's start is told a gap.
[[nodiscard]] bool takes_gap(network::TakesGaps wish, const TopicDefinition& topic);

// From `from`, which is below the log's start.
[[nodiscard]] network::Gap gap_at(const Partition& partition, Offset from);

}  // namespace xylem::broker
