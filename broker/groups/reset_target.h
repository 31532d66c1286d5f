// Where a reset "to" an end of a topic, or to a moment, takes each of its partitions.
//
//   "earliest"   where the log begins
//   "latest"     the high watermark
//   a moment     the first record at or after it (common/config/point_in_time.h)
//
// Threads: the loop's.
#pragma once

#include "broker/groups/group_request.h"
#include "broker/partitions/partition.h"
#include "broker/topics/topic_definition.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace xylem::broker {

// `here`: the partition, where this broker knows its end; else null. kInvalidRequest: no place;
// another broker knows where one of the partitions ends. kUnknownTopicOrPartition. kUnavailable:
// the end is not known yet.
Result<std::vector<std::pair<TopicPartition, Offset>>> offsets_at(
    const ResetTarget& target,
    const TopicDefinition& topic,
    const std::function<const Partition*(std::int32_t partition)>& here,
    std::int64_t now_ms);

}  // namespace xylem::broker
