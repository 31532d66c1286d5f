#include "broker/delivery/partition_leader.h"

namespace xylem::broker {

namespace {

std::string elsewhere(const ClientContext& context,
                      const std::function<Leader(const LogId&)>& who,
                      const TopicDefinition& topic,
                      PartitionId partition) {
  if (partition.value() < 0 || partition.value() >= topic.partitions) return {};
  const auto found = who({topic.incarnation, partition});
  return found.node == context.node ? std::string() : found.tcp;
}

}  // namespace

std::string leader_elsewhere(const ClientContext& context,
                             const TopicDefinition& topic,
                             PartitionId partition) {
  return elsewhere(context, context.leader_of, topic, partition);
}

std::string reader_elsewhere(const ClientContext& context,
                             const TopicDefinition& topic,
                             PartitionId partition) {
  return elsewhere(context, context.reader_of, topic, partition);
}

Error not_leader(const ClientContext& context,
                 const TopicDefinition& topic,
                 PartitionId partition) {
  const auto name = "partition " + std::to_string(partition.value());
  if (partition.value() < 0 || partition.value() >= topic.partitions)
    return {Errc::kUnknownTopicOrPartition, "topic \"" + topic.name + "\" has no " + name};
  return {Errc::kNotLeader, "this broker does not lead " + name + " of \"" + topic.name + "\"",
          leader_elsewhere(context, topic, partition)};
}

Error gone_from_here(const ClientContext& context, const LogId& log) {
  if (const auto* topic = context.topics.find(log.incarnation))
    return not_leader(context, *topic, log.partition);
  return {Errc::kUnknownTopicOrPartition, "the topic was deleted"};
}

}  // namespace xylem::broker
