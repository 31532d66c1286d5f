#include "network/client/metadata_cache.h"

#include <cstddef>
#include <utility>

namespace xylem::network {

void MetadataCache::update(const MetadataAnswer& answer) {
  for (const auto& name : answer.unknown) {
    topics_.erase(name);
    unknown_.insert(name);
  }
  for (const auto& fresh : answer.topics) {
    unknown_.erase(fresh.name);
    const auto known = topics_.find(fresh.name);
    auto topic = merged(fresh, known == topics_.end() ? nullptr : &known->second);
    topics_.insert_or_assign(fresh.name, std::move(topic));
  }
}

bool MetadataCache::Partition::is_newer_than(const Partition& other) const {
  return epoch > other.epoch || (is_hint && epoch == other.epoch);
}

MetadataCache::Topic MetadataCache::merged(const TopicMetadata& fresh, const Topic* known) {
  Topic topic{.incarnation = fresh.incarnation, .partitions = {}};
  topic.partitions.resize(fresh.partitions.size());
  for (const auto& one : fresh.partitions) {
    const auto index = static_cast<std::size_t>(one.partition.value());
    if (one.partition.value() < 0 || index >= topic.partitions.size()) continue;
    auto& partition = topic.partitions[index];
    partition.epoch = one.epoch;
    if (auto address = Address::parse(one.leader_address)) partition.leader = *address;
    if (known == nullptr || known->incarnation != fresh.incarnation) continue;
    if (index < known->partitions.size() && known->partitions[index].is_newer_than(partition))
      partition = known->partitions[index];
  }
  return topic;
}

std::optional<std::int32_t> MetadataCache::partition_count(std::string_view topic) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end() || found->second.partitions.empty()) return std::nullopt;
  return static_cast<std::int32_t>(found->second.partitions.size());
}

std::optional<Incarnation> MetadataCache::incarnation(std::string_view topic) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return std::nullopt;
  return found->second.incarnation;
}

std::optional<Address> MetadataCache::leader(std::string_view topic, PartitionId partition) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return std::nullopt;
  const auto index = static_cast<std::size_t>(partition.value());
  if (index >= found->second.partitions.size()) return std::nullopt;
  return found->second.partitions[index].leader;
}

bool MetadataCache::is_leader(const Address& broker) const {
  for (const auto& [name, topic] : topics_)
    for (const auto& partition : topic.partitions)
      if (partition.leader == broker) return true;
  return false;
}

void MetadataCache::set_leader(std::string_view topic,
                               PartitionId partition,
                               const Address& leader) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  const auto index = static_cast<std::size_t>(partition.value());
  if (index < found->second.partitions.size()) {
    auto& known = found->second.partitions[index];
    known.leader = leader;
    known.is_hint = true;
  }
}

void MetadataCache::drop_hints(const Address& leader) {
  for (auto& [name, topic] : topics_)
    for (auto& partition : topic.partitions)
      if (partition.leader == leader) partition.is_hint = false;
}

bool MetadataCache::is_unknown(std::string_view topic) const { return unknown_.contains(topic); }

}  // namespace xylem::network
