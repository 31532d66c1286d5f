#include "broker/groups/memberships.h"

#include "broker/groups/owned_partitions.h"

#include <utility>

namespace xylem::broker {

Memberships::Memberships(const Context& context, const Group::Options& options)
    : context_(context), options_(options), ticker_(context.loop) {
  context_.topics.observe([this](const TopicDefinition& topic, bool /*removed*/) {
    for (auto& [name, coordinated] : groups_) {
      if (!coordinated.group.topics().contains(topic.name)) continue;
      take_places(name, coordinated.group, topic);
      count_partitions(coordinated.group, coordinated.group.topics());
      tell_changed(coordinated);
    }
  });
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

bool Memberships::is_known(const std::string& name) const {
  return !context_.offsets.of(name).empty();
}

// Generations go on where those of an earlier coordinator ended: by the wall clock.
Result<Memberships::Coordinated*> Memberships::open(const std::string& name) {
  const auto found = groups_.find(name);
  if (found != groups_.end()) return &found->second;
  if (groups_.size() >= kGroupsMax)
    return fail(Errc::kQuotaExceeded, "a broker coordinates at most " + std::to_string(kGroupsMax) +
                                          " groups with members");
  const auto first = static_cast<std::uint32_t>(context_.clock.wall_ms() / 1'000);
  const Group made(options_, first, is_known(name), context_.clock.monotonic_ms());
  return &groups_.emplace(name, Coordinated{made, {}}).first->second;
}

Result<Group::Answer> Memberships::beat(const std::string& group,
                                        const Group::Beat& beat,
                                        Push push) {
  if (auto here = context_.offsets.keeps(group); !here) return pass(here);
  auto coordinated = open(group);
  if (!coordinated) return pass(coordinated);
  auto& [members, pushes] = **coordinated;
  if (members.is_empty()) count_partitions(members, beat.topics);  // it may have some of them
  const auto before = members.generation();
  auto answer = members.beat(beat, context_.clock.monotonic_ms());
  if (!answer) return answer;
  pushes[beat.member] = std::move(push);
  // It may want another topic.
  if (members.generation() != before) count_partitions(members, members.topics());
  tell_changed(**coordinated);
  return *members.answer_for(beat.member);
}

Result<Group::Answer> Memberships::beat(const std::string& group, Said said, Push push) {
  if (auto here = context_.offsets.keeps(group); !here) return pass(here);
  auto owned = owned_partitions(said.owned, context_.topics);
  if (!owned) return pass(owned);
  said.beat.owned = std::move(*owned);
  return beat(group, said.beat, std::move(push));
}

void Memberships::leave(const std::string& group, const std::string& member) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  found->second.group.leave(member);
  found->second.pushes.erase(member);
  tell_changed(found->second);
}

void Memberships::count_partitions(Group& group, const std::set<std::string>& topics) const {
  PartitionCounts shared;
  PartitionCounts broadcast;
  for (const auto& name : topics) {
    const auto* topic = context_.topics.find(name);
    if (topic == nullptr) continue;
    (topic->is_broadcast() ? broadcast : shared)[name] = topic->partitions;
  }
  group.set_partitions(shared, broadcast);
}

void Memberships::take_places(const std::string& name,
                              const Group& group,
                              const TopicDefinition& topic) {
  if (topic.is_broadcast() || !group.has_as_broadcast(topic.name)) return;
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    const TopicPartition where{topic.name, PartitionId(p)};
    const auto keeper = group.first_owner(where);
    if (!keeper) continue;
    const auto instance = *group.instance_of(*keeper);
    const auto own = instance.empty()
                         ? group.noted(*keeper, where)
                         : context_.offsets.find({name, topic.name, PartitionId(p), instance});
    if (!own || own->incarnation != topic.incarnation) continue;
    // A refusal: the group was further, or another broker keeps its offsets by now.
    context_.offsets.commit({name, topic.name, PartitionId(p), {}}, *own, [](const Status&) {});
  }
}

void Memberships::tell_changed(Coordinated& coordinated) {
  auto& [group, pushes] = coordinated;
  for (const auto& member : group.take_changed()) {
    const auto push = pushes.find(member);
    if (push == pushes.end()) continue;  // at its next beat
    const auto answer = group.answer_for(member);
    if (!push->second(*answer)) pushes.erase(push);
  }
}

Status Memberships::may_commit(const std::string& group,
                               const std::string& member,
                               const TopicPartition& partition) const {
  const auto* members = find(group);
  if (members == nullptr || members->is_empty() || members->owns(member, partition)) return {};
  return fail(Errc::kStaleGeneration,
              "\"" + member + "\" does not have partition " +
                  std::to_string(partition.partition.value()) + " of \"" + partition.topic +
                  "\" in group \"" + group + "\"",
              "join the group, and commit what is assigned");
}

Status Memberships::may_commit_own(const std::string& group,
                                   const std::string& member,
                                   const std::string& instance,
                                   const TopicPartition& partition) const {
  if (auto may = may_commit(group, member, partition); !may) return may;
  const auto* members = find(group);
  const auto has = members == nullptr ? std::nullopt : members->instance_of(member);
  if (has ? *has == instance : !instance.empty()) return {};
  return fail(Errc::kStaleGeneration,
              "\"" + partition.topic + "\" is a broadcast topic, and \"" + member +
                  "\" is no member of group \"" + group + "\" that has the instance \"" + instance +
                  "\"",
              "join the group, or commit as an instance");
}

Status Memberships::note(const std::string& group,
                         const std::string& member,
                         const TopicPartition& partition,
                         const CommittedOffset& offset) {
  return groups_.at(group).group.note(member, partition, offset);
}

std::optional<CommittedOffset> Memberships::noted(const std::string& group,
                                                  const std::string& member,
                                                  const TopicPartition& partition) const {
  const auto* members = find(group);
  return members == nullptr ? std::nullopt : members->noted(member, partition);
}

const Group* Memberships::find(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() || !context_.offsets.keeps(group) ? nullptr : &found->second.group;
}

std::vector<std::string> Memberships::names() const {
  std::vector<std::string> names;
  for (const auto& [name, coordinated] : groups_) {
    if (!coordinated.group.is_empty() && context_.offsets.keeps(name)) names.push_back(name);
  }
  return names;
}

void Memberships::tick() {
  for (auto at = groups_.begin(); at != groups_.end();) {
    auto& [name, coordinated] = *at;
    coordinated.group.tick(context_.clock.monotonic_ms());
    tell_changed(coordinated);
    const bool is_ours = context_.offsets.keeps(name).has_value();
    at = coordinated.group.is_empty() || !is_ours ? groups_.erase(at) : std::next(at);
  }
}

}  // namespace xylem::broker
