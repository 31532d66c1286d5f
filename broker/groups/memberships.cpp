#include "broker/groups/memberships.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {

Memberships::Memberships(const Context& context, const Group::Options& options)
    : context_(context), options_(options), ticker_(context.loop) {
  context_.topics.observe([this](const TopicDefinition& topic, bool /*removed*/) {
    for (auto& [name, coordinated] : groups_) {
      if (!coordinated.group.topics().contains(topic.name)) continue;
      count_partitions(coordinated.group);
      tell_changed(coordinated);
    }
  });
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

bool Memberships::is_known(const std::string& name) const {
  return std::ranges::any_of(context_.offsets.all(),
                             [&](const auto& one) { return one.first.group == name; });
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
  const auto before = members.generation();
  auto answer = members.beat(beat, context_.clock.monotonic_ms());
  if (!answer) return answer;
  pushes[beat.member] = std::move(push);
  if (members.generation() != before) count_partitions(members);  // it may want another topic
  tell_changed(**coordinated);
  return *members.answer_for(beat.member);
}

void Memberships::leave(const std::string& group, const std::string& member) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  found->second.group.leave(member);
  found->second.pushes.erase(member);
  tell_changed(found->second);
}

void Memberships::count_partitions(Group& group) const {
  PartitionCounts counts;
  for (const auto& name : group.topics()) {
    if (const auto* topic = context_.topics.find(name)) counts[name] = topic->partitions;
  }
  group.set_partitions(counts);
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
