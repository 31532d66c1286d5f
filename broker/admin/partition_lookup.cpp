#include "broker/admin/partition_lookup.h"

namespace xylem::broker {
namespace {

std::string named(const TopicDefinition& topic, PartitionId id) {
  return "partition " + std::to_string(id.value()) + " of \"" + topic.name + "\"";
}

Error elsewhere(const ClientContext& context,
                const Leader& other,
                const std::string& what,
                const std::string& does) {
  if (other.node.empty() || other.node == context.node)
    return {Errc::kUnavailable, "no broker is known that " + does + " " + what + " now", "retry"};
  const auto detail = other.node + " " + does + " " + what + ", not this broker";
  if (!other.http.empty()) return {Errc::kNotLeader, detail, other.http};
  return {Errc::kNotLeader, detail + "; its HTTP address is not known here"};
}

}  // namespace

Result<const TopicDefinition*> find_topic(const ClientContext& context, const std::string& name) {
  if (const auto* topic = context.topics.find(name)) return topic;
  if (auto current = context.topics.is_current(); !current) return pass(current);
  return fail(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\" here");
}

Result<const Partition*> find_partition(const ClientContext& context,
                                        const TopicDefinition& topic,
                                        std::int64_t number) {
  if (number < 0 || number >= topic.partitions) {
    return fail(Errc::kUnknownTopicOrPartition, "topic \"" + topic.name + "\" has " +
                                                    std::to_string(topic.partitions) +
                                                    " partitions, no " + std::to_string(number));
  }
  const auto log = topic.log(static_cast<std::int32_t>(number));
  if (const auto* partition = context.partitions.find(log)) return partition;
  return std::unexpected(not_read_here(context, topic, log.partition));
}

Error not_read_here(const ClientContext& context, const TopicDefinition& topic, PartitionId id) {
  return elsewhere(context, context.reader_of({topic.incarnation, id}), named(topic, id), "has");
}

Error not_led_here(const ClientContext& context, const TopicDefinition& topic, PartitionId id) {
  return elsewhere(context, context.leader_of({topic.incarnation, id}), named(topic, id), "leads");
}

Error no_longer_here(const ClientContext& context, const LogId& log, const std::string& topic) {
  const auto* known = context.topics.find(log.incarnation);
  if (known != nullptr) return not_read_here(context, *known, log.partition);
  return {Errc::kUnknownTopicOrPartition,
          "\"" + topic + "\" was deleted, or its history began anew"};
}

}  // namespace xylem::broker
