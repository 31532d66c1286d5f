#include "network/client/delayed_topic.h"

#include "common/bytes.h"
#include "network/client/partitioner.h"

namespace xylem::network {

PartitionId delayed_partition(const TopicId& topic, PartitionId partition) {
  Buffer target;
  append_be(topic.high(), target);
  append_be(topic.low(), target);
  append_be(partition.value(), target);
  return partition_by_key(target, kDelayedPartitions);
}

}  // namespace xylem::network
