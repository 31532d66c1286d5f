// Where delayed records wait: partitions of a topic of the root's own, which no client reads.
//
// DATA whose header says `due_at_ms` goes to the leader of the partition that its target's records
// wait in, which METADATA for kDelayedTopic names.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <string_view>

namespace xylem::network {

inline constexpr std::string_view kDelayedTopic = "__delayed";
inline constexpr std::int32_t kDelayedPartitions = 16;

// Of the records for one partition of a topic, in all its generations.
[[nodiscard]] PartitionId delayed_partition(const TopicId& topic, PartitionId partition);

}  // namespace xylem::network
