#include "broker/cluster/controller.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

std::vector<ReplicaId> alive_of(const ClusterState& state) {
  std::vector<ReplicaId> alive;
  for (const auto& [id, broker] : state.brokers()) {
    if (broker.is_alive) alive.push_back(id);
  }
  return alive;
}

// Of partitions [first, topic.partitions).
Result<std::vector<std::vector<ReplicaId>>> places_of(const ClusterState& state,
                                                      const TopicDefinition& topic,
                                                      std::int32_t first) {
  std::vector<LogId> logs;
  for (auto i = first; i < topic.partitions; ++i) logs.push_back(topic.log(i));
  auto placed =
      place(alive_of(state), state.placed(), logs, static_cast<std::size_t>(topic.replicas));
  if (!placed) return pass(placed, "topic \"" + topic.name + "\"");
  std::vector<std::vector<ReplicaId>> replicas;
  for (auto& each : *placed) replicas.push_back(std::move(each.replicas));
  return replicas;
}

}  // namespace

void Controller::begin(const ClusterState& state, std::int64_t now_ms) {
  for (auto& [id, seen] : seen_) seen = {.refused_ms = seen.refused_ms};
  return_asked_ms_ = now_ms;
  look_at(state, now_ms);
}

void Controller::heard(ReplicaId broker, std::int64_t now_ms) {
  auto& seen = seen_[broker];
  seen.heard_ms = now_ms;
  seen.refused_ms.reset();
}

void Controller::refused(ReplicaId broker, std::int64_t now_ms) {
  auto& seen = seen_[broker];
  if (!seen.refused_ms) seen.refused_ms = now_ms;
}

std::optional<std::int64_t> Controller::heard_ms(ReplicaId broker) const {
  const auto seen = seen_.find(broker);
  if (seen == seen_.end() || seen->second.refused_ms) return std::nullopt;
  return seen->second.heard_ms;
}

bool Controller::is_missed(const Seen& seen, std::int64_t now_ms) const {
  return now_ms - seen.heard_ms >= options_.fence_after_ms ||
         (seen.refused_ms && now_ms - *seen.refused_ms >= options_.refused_after_ms);
}

// A broker that was registered is heard by that.
void Controller::look_at(const ClusterState& state, std::int64_t now_ms) {
  for (const auto& [id, broker] : state.brokers()) {
    auto& seen = seen_[id];
    if (broker.is_alive && !seen.is_alive) {
      seen.heard_ms = std::max(seen.heard_ms, now_ms);
      seen.alive_since_ms = now_ms;
      seen.fence_asked_ms = now_ms - options_.retry_ms;
    }
    seen.is_alive = broker.is_alive;
  }
}

bool Controller::may_return(const PartitionRecord& record, std::int64_t now_ms) const {
  if (record.leader == record.preferred ||
      !std::ranges::binary_search(record.in_sync, record.preferred))
    return false;
  const auto preferred = seen_.find(record.preferred);
  return preferred != seen_.end() && preferred->second.is_alive &&
         now_ms - preferred->second.alive_since_ms >= options_.return_after_ms;
}

std::vector<ClusterCommand> Controller::tick(const ClusterState& state, std::int64_t now_ms) {
  look_at(state, now_ms);
  std::vector<ClusterCommand> due;
  for (auto& [id, seen] : seen_) {
    if (!seen.is_alive || !is_missed(seen, now_ms) ||
        now_ms - seen.fence_asked_ms < options_.retry_ms)
      continue;
    seen.fence_asked_ms = now_ms;
    due.emplace_back(FenceBroker{id});
  }
  if (now_ms - return_asked_ms_ < options_.retry_ms) return due;
  ReturnLeaders back;
  for (const auto& [name, topic] : state.topics()) {
    for (std::size_t i = 0; i < topic.partitions.size() && back.logs.size() < kChangesMax; ++i) {
      if (may_return(topic.partitions[i], now_ms))
        back.logs.push_back(topic.topic.log(static_cast<std::int32_t>(i)));
    }
  }
  if (back.logs.empty()) return due;
  return_asked_ms_ = now_ms;
  due.emplace_back(std::move(back));
  return due;
}

Result<CreateTopic> plan_creation(const ClusterState& state, const TopicDefinition& topic) {
  if (state.topics().contains(topic.name))
    return fail(Errc::kAlreadyExists, "topic \"" + topic.name + "\" exists");
  auto replicas = places_of(state, topic, 0);
  if (!replicas) return pass(replicas);
  return CreateTopic{topic, std::move(*replicas)};
}

Result<AlterTopic> plan_alteration(const ClusterState& state, const TopicDefinition& topic) {
  const auto* now = state.find(topic.incarnation);
  if (now == nullptr || now->topic.name != topic.name)
    return fail(Errc::kUnknownTopicOrPartition, "no topic \"" + topic.name + "\" of that id");
  if (topic.partitions < now->topic.partitions) {
    return fail(Errc::kInvalidRequest, "topic \"" + topic.name + "\" has " +
                                           std::to_string(now->topic.partitions) +
                                           " partitions; they never become fewer");
  }
  if (topic.replicas != now->topic.replicas) {
    return fail(Errc::kInvalidRequest,
                "the number of replicas of \"" + topic.name + "\" is changed by moving them");
  }
  auto added = places_of(state, topic, now->topic.partitions);
  if (!added) return pass(added);
  return AlterTopic{topic, std::move(*added)};
}

Result<std::vector<Placed>> plan_rebalance(const ClusterState& state,
                                           std::vector<ReplicaId> brokers) {
  const auto alive = alive_of(state);
  const bool were_named = !brokers.empty();
  if (!were_named) brokers = alive;
  std::ranges::sort(brokers);
  if (std::ranges::adjacent_find(brokers) != brokers.end())
    return fail(Errc::kInvalidRequest, "each broker is named once");
  for (const auto broker : brokers) {
    if (std::ranges::binary_search(alive, broker)) continue;
    return fail(Errc::kInvalidRequest,
                "broker " + std::to_string(broker.value()) + " is not alive");
  }
  for (const auto& [name, topic] : state.topics()) {
    const auto replicas = topic.topic.replicas;
    if (were_named && std::ssize(brokers) < replicas)
      return fail(Errc::kNotEnoughReplicas,
                  "\"" + name + "\" has " + std::to_string(replicas) + " replicas, which " +
                      std::to_string(brokers.size()) + " brokers cannot hold",
                  "name more brokers");
  }
  auto moves = rebalance(brokers, state.placed());
  if (moves.size() > kChangesMax) moves.resize(kChangesMax);
  return moves;
}

}  // namespace xylem::broker
