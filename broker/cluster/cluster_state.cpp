#include "broker/cluster/cluster_state.h"

#include "pipe/planted_bug.h"

#include <algorithm>
#include <span>
#include <utility>

namespace xylem::broker {
namespace {

ReplicaSet sorted(std::vector<ReplicaId> replicas) {
  std::ranges::sort(replicas);
  return replicas;
}

ReplicaSet united(const ReplicaSet& left, const ReplicaSet& right) {
  ReplicaSet both;
  std::ranges::set_union(left, right, std::back_inserter(both));
  return both;
}

std::unexpected<Error> unknown(const std::string& what) {
  return fail(Errc::kUnknownTopicOrPartition, what);
}

std::string text_of(ReplicaId broker) { return std::to_string(broker.value()); }

LogId in_any_generation(LogId log) {
  log.incarnation.generation = 0;
  return log;
}

std::string text_of(const std::string& topic, PartitionId partition) {
  return topic + "/" + std::to_string(partition.value());
}

// Calls `visit` with every partition; what it says it changed goes into `changes`.
template <class Visit>
void for_each_partition(std::map<std::string, TopicState, std::less<>>& topics,
                        ClusterState::Changes& changes,
                        const Visit& visit) {
  for (auto& [name, topic] : topics) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto log = topic.topic.log(static_cast<std::int32_t>(i));
      if (visit(topic.topic, log, topic.partitions[i])) changes.partitions.insert(log);
    }
  }
}

}  // namespace

Result<ClusterState::Changes> ClusterState::apply(const ClusterCommand& command) {
  return std::visit([this](const auto& one) { return decide(one); }, command);
}

TopicState* ClusterState::topic_of(const Incarnation& topic) {
  const auto name = names_.find(topic);
  return name == names_.end() ? nullptr : &topics_.find(name->second)->second;
}

PartitionRecord* ClusterState::record_of(const LogId& log) {
  auto* topic = topic_of(log.incarnation);
  const auto index = static_cast<std::size_t>(log.partition.value());
  if (topic == nullptr || log.partition < PartitionId(0) || index >= topic->partitions.size())
    return nullptr;
  return &topic->partitions[index];
}

const TopicState* ClusterState::find(const Incarnation& topic) const {
  return const_cast<ClusterState*>(this)->topic_of(topic);
}

const PartitionRecord* ClusterState::find(const LogId& log) const {
  return const_cast<ClusterState*>(this)->record_of(log);
}

const TopicState* ClusterState::find(const TopicId& topic) const {
  const auto name = names_.lower_bound(Incarnation{topic, 0});
  if (name == names_.end() || name->first.topic != topic) return nullptr;
  return &topics_.find(name->second)->second;
}

bool ClusterState::is_alive(ReplicaId broker) const {
  const auto found = brokers_.find(broker);
  return found != brokers_.end() && found->second.is_alive;
}

// Whoever leads from now on does so in a new epoch. With nobody to lead the epoch stays: nothing is
// written in it any more.
void ClusterState::elect(PartitionRecord& record) const {
  const auto may_lead = [&](ReplicaId one) {
    return is_member(one, record.in_sync) && is_alive(one);
  };
  ++record.version;
  record.leader = kNoReplica;
  if (may_lead(record.preferred)) {
    record.leader = record.preferred;
  } else if (const auto first = std::ranges::find_if(record.replicas, may_lead);
             first != record.replicas.end()) {
    record.leader = *first;
  }
  if (record.leader != kNoReplica) record.epoch = record.epoch + 1;
}

Result<ClusterState::Changes> ClusterState::decide(const RegisterBroker& command) {
  const auto known = brokers_.find(command.broker);
  const bool is_known = known != brokers_.end();
  if (is_known && known->second.node != command.node) {
    return fail(Errc::kDuplicateNode, "broker " + text_of(command.broker) + " is " +
                                          known->second.node + ", not " + command.node);
  }
  const bool has_other_disk =
      is_known && known->second.disk != command.disk && !is_planted(PlantedBug::kEmptyDiskElected);
  const bool is_again = is_known && known->second.instance == command.instance;
  const bool may_have_lost = is_known && !is_again && !command.is_clean;
  brokers_[command.broker] = {command.node,    command.instance, command.disk,
                              command.clients, command.pipe,     true};
  // Whoever was away for an election by force knows its logs by the generation of before.
  std::set<LogId> unproven;
  for (const auto& log : command.unproven) unproven.insert(in_any_generation(log));
  Changes changes;
  changes.brokers.insert(command.broker);
  const auto visit = [&](const TopicDefinition& topic, const LogId& log, PartitionRecord& record) {
    if (!is_member(command.broker, record.replicas)) return false;
    const bool is_doubtful = may_have_lost && topic.flush != storage::Flush::kAlways;
    const bool is_unproven = !is_again && unproven.contains(in_any_generation(log));
    if (has_other_disk || is_doubtful || is_unproven) std::erase(record.in_sync, command.broker);
    if (record.leader == command.broker || record.leader == kNoReplica)
      elect(record);
    else
      ++record.version;  // what is proposed about who it was before, is not decided any more
    return true;
  };
  for_each_partition(topics_, changes, visit);
  return changes;
}

Result<ClusterState::Changes> ClusterState::decide(const FenceBroker& command) {
  const auto found = brokers_.find(command.broker);
  if (found == brokers_.end())
    return fail(Errc::kNotFound, "no broker " + text_of(command.broker) + " was ever registered");
  Changes changes;
  if (!found->second.is_alive) return changes;
  found->second.is_alive = false;
  changes.brokers.insert(command.broker);
  const auto visit = [&](const TopicDefinition&, const LogId&, PartitionRecord& record) {
    const bool may_leave =
        is_member(command.broker, record.in_sync) && record.in_sync.size() > record.min_insync;
    if (may_leave) std::erase(record.in_sync, command.broker);
    if (record.leader == command.broker)
      elect(record);
    else if (may_leave)
      ++record.version;
    else
      return false;
    return true;
  };
  for_each_partition(topics_, changes, visit);
  return changes;
}

Status ClusterState::check(const std::vector<ReplicaId>& replicas) const {
  const auto set = sorted(replicas);
  if (set.empty() || std::ranges::adjacent_find(set) != set.end())
    return fail(Errc::kInvalidRequest, "a partition's replicas are one or more, each once");
  const auto stranger =
      std::ranges::find_if_not(set, [&](ReplicaId one) { return brokers_.contains(one); });
  if (stranger == set.end()) return {};
  return fail(Errc::kInvalidRequest, "no broker " + text_of(*stranger) + " was ever registered");
}

Status ClusterState::check(const TopicDefinition& topic,
                           const std::vector<std::vector<ReplicaId>>& replicas) const {
  for (const auto& of_partition : replicas) {
    if (of_partition.size() != static_cast<std::size_t>(topic.replicas)) {
      return fail(Errc::kInvalidRequest, "a partition of \"" + topic.name + "\" has " +
                                             std::to_string(topic.replicas) + " replicas, not " +
                                             std::to_string(of_partition.size()));
    }
    if (auto good = check(of_partition); !good) return good;
  }
  return {};
}

PartitionRecord ClusterState::made(const TopicDefinition& topic,
                                   const std::vector<ReplicaId>& replicas) const {
  PartitionRecord record;
  record.replicas = sorted(replicas);
  record.in_sync = record.replicas;  // all are empty, and so is all that was committed
  record.preferred = replicas.front();
  record.min_insync = static_cast<std::uint16_t>(topic.min_insync);
  elect(record);
  return record;
}

Result<ClusterState::Changes> ClusterState::decide(const CreateTopic& command) {
  const auto& topic = command.topic;
  if (topics_.contains(topic.name))
    return fail(Errc::kAlreadyExists, "topic \"" + topic.name + "\" exists");
  if (find(topic.incarnation.topic) != nullptr || topic.incarnation.topic.is_nil())
    return fail(Errc::kInvalidRequest, "a new topic has an id of its own");
  if (command.replicas.size() != static_cast<std::size_t>(topic.partitions)) {
    return fail(Errc::kInvalidRequest, "topic \"" + topic.name + "\" has " +
                                           std::to_string(topic.partitions) + " partitions, and " +
                                           std::to_string(command.replicas.size()) + " are placed");
  }
  if (auto good = check(topic, command.replicas); !good) return pass(good);
  Changes changes;
  changes.topics.insert(topic.name);
  TopicState state{topic, {}};
  for (const auto& replicas : command.replicas) {
    changes.partitions.insert(topic.log(static_cast<std::int32_t>(state.partitions.size())));
    state.partitions.push_back(made(topic, replicas));
  }
  names_.emplace(topic.incarnation, topic.name);
  topics_.emplace(topic.name, std::move(state));
  return changes;
}

Result<ClusterState::Changes> ClusterState::decide(const AlterTopic& command) {
  const auto& topic = command.topic;
  auto* state = topic_of(topic.incarnation);
  if (state == nullptr || state->topic.name != topic.name)
    return unknown("no topic \"" + topic.name + "\" of that id");
  const auto there = state->partitions.size();
  if (there + command.added.size() != static_cast<std::size_t>(topic.partitions)) {
    return fail(Errc::kInvalidRequest, "topic \"" + topic.name + "\" has " + std::to_string(there) +
                                           " partitions and gets " +
                                           std::to_string(command.added.size()) + ", not " +
                                           std::to_string(topic.partitions));
  }
  if (auto good = check(topic, command.added); !good) return pass(good);
  Changes changes;
  changes.topics.insert(topic.name);
  for (std::size_t i = 0; i < there; ++i) {
    auto& record = state->partitions[i];
    if (record.min_insync == topic.min_insync) continue;
    record.min_insync = static_cast<std::uint16_t>(topic.min_insync);
    ++record.version;
    changes.partitions.insert(topic.log(static_cast<std::int32_t>(i)));
  }
  for (const auto& replicas : command.added) {
    changes.partitions.insert(topic.log(static_cast<std::int32_t>(state->partitions.size())));
    state->partitions.push_back(made(topic, replicas));
  }
  state->topic = topic;
  return changes;
}

Result<ClusterState::Changes> ClusterState::decide(const DeleteTopic& command) {
  const auto name = names_.find(command.topic);
  if (name == names_.end()) return unknown("no topic of that id");
  const auto topic = topics_.find(name->second);
  Changes changes;
  changes.topics.insert(name->second);
  for (std::int32_t i = 0; i < topic->second.topic.partitions; ++i)
    changes.partitions.insert(topic->second.topic.log(i));
  topics_.erase(topic);
  names_.erase(name);
  return changes;
}

// Only who leads by the record that it saw may change the set, and only so: itself in it, nobody
// new who is dead, and enough of them.
bool ClusterState::change(PartitionRecord& record, const ChangeInSync::Change& change) const {
  if (record.leader != change.leader || record.version != change.version) return false;
  const auto set = sorted(change.in_sync);
  const bool has_enough =
      set.size() >= record.min_insync || std::ranges::includes(set, record.in_sync);
  const bool is_right =
      has_enough && is_member(record.leader, set) && std::ranges::adjacent_find(set) == set.end() &&
      std::ranges::includes(record.replicas, set) && std::ranges::all_of(set, [&](ReplicaId one) {
        return is_member(one, record.in_sync) || is_alive(one);
      });
  if (!is_right) return false;
  record.in_sync = set;
  ++record.version;
  finish_move(record);
  return true;
}

Result<ClusterState::Changes> ClusterState::decide(const ChangeInSync& command) {
  Changes changes;
  for (const auto& each : command.changes) {
    auto* record = record_of(each.log);
    if (record != nullptr && change(*record, each)) changes.partitions.insert(each.log);
  }
  if (changes.partitions.empty()) return fail(Errc::kStaleEpoch, "others were decided first");
  return changes;
}

// When all that it moves to are in sync, the others go.
void ClusterState::finish_move(PartitionRecord& record) const {
  if (record.moving_to.empty()) return;
  const auto target = sorted(record.moving_to);
  if (!std::ranges::includes(record.in_sync, target)) return;
  record.preferred = record.moving_to.front();
  record.moving_to.clear();
  record.replicas = target;
  record.in_sync = target;
  if (!is_member(record.leader, target)) elect(record);
}

Result<ClusterState::Changes> ClusterState::decide(const MoveReplicas& command) {
  for (const auto& move : command.moves) {
    if (find(move.log) == nullptr) return unknown("a partition to move is not there");
    if (auto good = check(move.replicas); !good) return pass(good);
  }
  Changes changes;
  for (const auto& move : command.moves) {
    auto& record = *record_of(move.log);
    // What an unfinished move brought goes, unless it leads or is in sync already; where nobody is
    // known to have all that was committed, nobody goes.
    const bool may_go = !record.moving_to.empty() && !record.in_sync.empty();
    const auto kept = united(record.in_sync, sorted(move.replicas));
    record.replicas = may_go ? kept : united(record.replicas, kept);
    record.moving_to = move.replicas;
    ++record.version;
    finish_move(record);
    changes.partitions.insert(move.log);
  }
  move_bytes_per_s_ = command.bytes_per_s;
  note({command.order, "move replicas", described(command.moves)});
  return changes;
}

void ClusterState::note(AuditEntry entry) {
  audit_.push_back(std::move(entry));
  if (audit_.size() > kAuditMax) audit_.pop_front();
}

std::string ClusterState::described(const std::vector<Placed>& moves) const {
  constexpr std::size_t kTold = 10;
  std::string text;
  for (const auto& move : std::span(moves).first(std::min(moves.size(), kTold))) {
    if (!text.empty()) text += ", ";
    text += text_of(names_.at(move.log.incarnation), move.log.partition) + " to";
    for (const auto replica : move.replicas) text += " " + text_of(replica);
  }
  if (moves.size() > kTold) text += " and " + std::to_string(moves.size() - kTold) + " more";
  return text;
}

Status ClusterState::may_force(const ForceElection& command, const PartitionRecord& record) const {
  const auto who = text_of(command.broker);
  if (record.leader != kNoReplica) {
    return fail(Errc::kAlreadyExists,
                "broker " + text_of(record.leader) + " (" + brokers_.at(record.leader).node +
                    ") leads this partition in epoch " + std::to_string(record.epoch.value()) +
                    ": there is nothing to force");
  }
  if (!is_member(command.broker, record.replicas))
    return fail(Errc::kInvalidRequest, "broker " + who + " has no replica of this partition");
  if (!is_alive(command.broker))
    return fail(Errc::kInvalidRequest, "broker " + who + " is not alive");
  return {};
}

// The next one of a topic. What is known of `__topics` is the quorum's: it stays as it is, and
// whoever leads it publishes again what it lacks.
TopicState& ClusterState::begin_generation(const Incarnation& ended) {
  auto name = names_.extract(ended);
  auto& state = topics_.find(name.mapped())->second;
  if (name.mapped() != kTopicsTopic) ++state.topic.incarnation.generation;
  name.key() = state.topic.incarnation;
  names_.insert(std::move(name));
  return state;
}

// The other partitions lose nothing: their replicas carry their logs over.
Result<ClusterState::Changes> ClusterState::decide(const ForceElection& command) {
  const auto* now = find(command.log);
  if (now == nullptr) return unknown("no such partition in this generation");
  if (auto good = may_force(command, *now); !good) return pass(good);
  if (command.log.incarnation.generation == UINT32_MAX)
    return fail(Errc::kInvalidRequest, "the topic has had its last generation");
  Changes changes;
  auto& state = begin_generation(command.log.incarnation);
  changes.topics.insert(state.topic.name);
  for (std::int32_t i = 0; i < state.topic.partitions; ++i) {
    auto& record = state.partitions[static_cast<std::size_t>(i)];
    if (PartitionId(i) == command.log.partition) record.in_sync = {command.broker};
    elect(record);
    changes.partitions.insert({command.log.incarnation, PartitionId(i)});
    changes.partitions.insert(state.topic.log(i));
  }
  const auto& forced = *find(state.topic.log(command.log.partition.value()));
  changes.forced.push_back({command.order,
                            "force broker " + text_of(command.broker) + " to lead " +
                                text_of(state.topic.name, command.log.partition),
                            "generation " + std::to_string(state.topic.incarnation.generation) +
                                ", epoch " + std::to_string(forced.epoch.value())});
  note(changes.forced.front());
  return changes;
}

Result<ClusterState::Changes> ClusterState::decide(const ReturnLeaders& command) {
  Changes changes;
  for (const auto& log : command.logs) {
    auto* record = record_of(log);
    const bool may_return = record != nullptr && record->leader != record->preferred &&
                            is_member(record->preferred, record->in_sync) &&
                            is_alive(record->preferred);
    if (!may_return) continue;
    elect(*record);
    changes.partitions.insert(log);
  }
  return changes;
}

std::vector<Placed> ClusterState::placed() const {
  std::vector<Placed> all;
  for (const auto& [name, topic] : topics_) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& record = topic.partitions[i];
      Placed placed{topic.topic.log(static_cast<std::int32_t>(i)), record.moving_to};
      if (placed.replicas.empty()) {
        placed.replicas = record.replicas;
        const auto preferred = std::ranges::find(placed.replicas, record.preferred);
        if (preferred != placed.replicas.end())
          std::rotate(placed.replicas.begin(), preferred, preferred + 1);
      }
      all.push_back(std::move(placed));
    }
  }
  return all;
}

}  // namespace xylem::broker
