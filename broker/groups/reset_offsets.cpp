#include "broker/groups/reset_offsets.h"

#include <map>
#include <set>
#include <string>

namespace xylem::broker {
namespace {

using Instances = std::map<std::string, std::set<std::string>>;  // by broadcast topic

Instances instances_by_topic(const GroupOffsets& offsets, const std::string& group) {
  Instances instances;
  for (const auto& [where, offset] : offsets.of(group)) {
    if (!where.instance.empty()) instances[where.topic].insert(where.instance);
  }
  return instances;
}

// Whose offsets of the topic are set.
Result<std::set<std::string>> who(const TopicDefinition& topic,
                                  const ResetRequest& request,
                                  const Instances& known) {
  if (!topic.is_broadcast() && !request.instance.empty())
    return fail(Errc::kInvalidRequest,
                "\"" + topic.name + "\" is shared: its offsets are the group's, of no instance",
                "reset it without an instance");
  if (!topic.is_broadcast() || !request.instance.empty()) return std::set{request.instance};
  const auto found = known.find(topic.name);
  if (found != known.end()) return found->second;
  return fail(Errc::kInvalidRequest,
              "\"" + topic.name + "\" is broadcast, and no instance of group \"" + request.group +
                  "\" has offsets of it",
              "name the instance that shall begin there");
}

}  // namespace

Result<CommittedOffsets> offsets_to_reset(const TopicCatalog& topics,
                                          const GroupOffsets& offsets,
                                          const ResetRequest& request) {
  if (auto good = check_instance(request.instance); !good) return pass(good);
  const auto known = instances_by_topic(offsets, request.group);
  CommittedOffsets reset;
  for (const auto& [where, offset] : request.offsets) {
    const auto* topic = topics.find(where.topic);
    if (topic == nullptr || where.partition.value() >= topic->partitions)
      return fail(Errc::kUnknownTopicOrPartition, "no partition " +
                                                      std::to_string(where.partition.value()) +
                                                      " of \"" + where.topic + "\"");
    auto instances = who(*topic, request, known);
    if (!instances) return pass(instances);
    for (const auto& instance : *instances)
      reset[{request.group, where.topic, where.partition, instance}] = {offset, topic->incarnation};
    if (reset.size() > kResetOffsetsMax)
      return fail(Errc::kInvalidRequest,
                  "more than " + std::to_string(kResetOffsetsMax) + " offsets in one reset",
                  "reset some topics, partitions or instances at a time");
  }
  return reset;
}

}  // namespace xylem::broker
