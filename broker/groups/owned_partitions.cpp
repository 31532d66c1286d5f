#include "broker/groups/owned_partitions.h"

#include "broker/groups/group.h"
#include "broker/topics/topic_definition.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace xylem::broker {
namespace {

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::kInvalidRequest, "what a member has: " + what);
}

// In order, each once.
Result<std::vector<PartitionId>> in_order(const network::TopicPartitions& owned) {
  if (owned.partitions.size() > static_cast<std::size_t>(kPartitionsMax))
    return wrong(std::to_string(owned.partitions.size()) + " partitions of \"" + owned.topic +
                 "\"; a topic has at most " + std::to_string(kPartitionsMax));
  auto partitions = owned.partitions;
  std::ranges::sort(partitions);
  for (const auto partition : partitions) {
    if (partition.value() < 0 || partition.value() >= kPartitionsMax)
      return wrong("no topic has a partition " + std::to_string(partition.value()) + ", as of \"" +
                   owned.topic + "\"");
  }
  const auto twice = std::ranges::adjacent_find(partitions);
  if (twice != partitions.end())
    return wrong("partition " + std::to_string(twice->value()) + " of \"" + owned.topic +
                 "\" twice");
  return partitions;
}

}  // namespace

Result<TopicPartitions> owned_partitions(const std::vector<network::TopicPartitions>& owned,
                                         const TopicCatalog& topics) {
  if (owned.size() > Group::kTopicsMax)
    return wrong("partitions of " + std::to_string(owned.size()) + " topics; a member wants " +
                 std::to_string(Group::kTopicsMax) + " at most");
  std::set<std::string_view> named;
  TopicPartitions all;
  for (const auto& one : owned) {
    if (auto good = check_topic_name(one.topic); !good) return pass(good, "what a member has");
    if (!named.insert(one.topic).second) return wrong("topic \"" + one.topic + "\" twice");
    const auto* topic = topics.find(one.topic);
    if (topic == nullptr) continue;
    auto partitions = in_order(one);
    if (!partitions) return pass(partitions);
    for (const auto partition : *partitions) {
      if (partition.value() < topic->partitions) all.insert(all.end(), {one.topic, partition});
    }
  }
  return all;
}

}  // namespace xylem::broker
