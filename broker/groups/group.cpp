#include "broker/groups/group.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::broker {

Group::Group(const Options& options,
             std::uint32_t first_generation,
             bool is_known,
             std::int64_t now_ms)
    : options_(options),
      generation_(first_generation),
      now_ms_(now_ms),
      settled_ms_(now_ms + options.settle_ms),
      is_settling_(is_known) {}

Status Group::check(const Beat& beat) const {
  if (beat.topics.size() > kTopicsMax)
    return fail(Errc::kQuotaExceeded,
                "a member wants at most " + std::to_string(kTopicsMax) + " topics");
  if (members_.contains(beat.member)) return {};
  const bool replaces = !beat.instance.empty() && instances_.contains(beat.instance);
  if (replaces && beat.generation != 0)
    return fail(Errc::kUnknownMember, "another member has the instance " + beat.instance + " now");
  if (!replaces && members_.size() >= kMembersMax)
    return fail(Errc::kQuotaExceeded,
                "a group has at most " + std::to_string(kMembersMax) + " members");
  return {};
}

Result<Group::Answer> Group::beat(const Beat& beat, std::int64_t now_ms) {
  now_ms_ = now_ms;
  if (auto good = check(beat); !good) return pass(good);
  const bool is_new = !members_.contains(beat.member);
  auto& member = is_new ? admit(beat) : members_.at(beat.member);
  const bool wants_else = member.topics != beat.topics || member.assignor != beat.assignor;
  member.topics = beat.topics;
  member.assignor = beat.assignor;
  member.client = beat.client;
  member.heard_ms = now_ms;
  if (is_new) claim(beat.member, member, beat.owned);
  if (is_new || wants_else) rebalance();
  let_go(member, beat);
  return tell(beat.member, member);
}

// A new one; or one that has the place, and all that is in it, of who had its instance.
Group::Member& Group::admit(const Beat& beat) {
  const auto known = instances_.find(beat.instance);
  if (beat.instance.empty() || known == instances_.end()) {
    if (!beat.instance.empty()) instances_[beat.instance] = beat.member;
    auto& member = members_[beat.member];
    member.instance = beat.instance;
    return member;
  }
  auto place = members_.extract(std::exchange(known->second, beat.member));
  place.key() = beat.member;
  auto& member = members_.insert(std::move(place)).position->second;
  for (const auto& partition : member.held) {
    const auto holder = holders_.find(partition);
    if (holder != holders_.end()) holder->second = beat.member;
  }
  member.told_generation = 0;
  return member;
}

// From an earlier coordinator, or from before it was removed. Nobody else has it: what another one
// shall have some day, it shall not have for that.
void Group::claim(const std::string& id, Member& member, const TopicPartitions& owned) {
  for (const auto& partition : owned) {
    if (broadcast_.contains(partition.topic)) member.held.insert(partition);
    if (!counts_.contains(partition.topic) || holders_.contains(partition)) continue;
    holders_[partition] = id;
    member.held.insert(partition);
    for (auto& [other, its] : members_) its.target.erase(partition);
    member.target.insert(partition);
  }
}

void Group::let_go(Member& member, const Beat& beat) {
  if (beat.generation == member.told_generation) {
    const auto gone = std::erase_if(member.held, [&](const TopicPartition& partition) {
      if (member.target.contains(partition) || beat.owned.contains(partition)) return false;
      release(beat.member, partition);
      return true;
    });
    if (gone > 0) changed();
  }
  const bool keeps = std::ranges::any_of(member.held, [&](const TopicPartition& partition) {
    return !member.target.contains(partition);
  });
  if (!keeps)
    member.keeps_since_ms.reset();
  else if (!member.keeps_since_ms)
    member.keeps_since_ms = now_ms_;
}

void Group::release(const std::string& id, const TopicPartition& partition) {
  const auto holder = holders_.find(partition);
  if (holder != holders_.end() && holder->second == id) holders_.erase(holder);
}

void Group::leave(const std::string& member) {
  if (!members_.contains(member)) return;
  remove(member);
  rebalance();
}

void Group::remove(const std::string& id) {
  const auto found = members_.find(id);
  for (const auto& partition : found->second.held) release(id, partition);
  instances_.erase(found->second.instance);
  members_.erase(found);
}

void Group::tick(std::int64_t now_ms) {
  now_ms_ = now_ms;
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_) {
    const bool keeps =
        member.keeps_since_ms && now_ms - *member.keeps_since_ms >= options_.let_go_ms;
    if (keeps || now_ms - member.heard_ms >= options_.session_ms) gone.push_back(id);
  }
  for (const auto& id : gone) remove(id);
  if (!gone.empty()) rebalance();
  if (is_settling_ && now_ms >= settled_ms_) {
    is_settling_ = false;
    changed();
  }
}

void Group::set_partitions(const PartitionCounts& shared, const PartitionCounts& broadcast) {
  if (counts_ == shared && broadcast_ == broadcast) return;
  counts_ = shared;
  broadcast_ = broadcast;
  std::erase_if(holders_, [&](const auto& one) { return broadcast.contains(one.first.topic); });
  for (auto& [id, member] : members_) share(id, member);
  rebalance();
}

// Of what was broadcast, and several have, the first one keeps it: it goes on where it is.
void Group::share(const std::string& id, Member& member) {
  std::erase_if(member.held, [&](const TopicPartition& partition) {
    if (!counts_.contains(partition.topic)) return false;
    if (holders_.try_emplace(partition, id).first->second == id) return false;
    member.target.erase(partition);
    return true;
  });
  std::erase_if(member.noted,
                [this](const auto& one) { return !broadcast_.contains(one.first.topic); });
}

// What a member shall have already, it keeps where that is as good.
void Group::rebalance() {
  Wishes wishes;
  for (const auto& [id, member] : members_) wishes[id] = {member.topics, member.target};
  auto assigned = assign(assignor(), wishes, counts_);
  assign_all(wishes, broadcast_, assigned);
  for (auto& [id, target] : assigned) members_.at(id).target = std::move(target);
  changed();
}

void Group::changed() {
  ++generation_;
  is_changed_ = true;
}

Assignor Group::assignor() const {
  constexpr std::array kAll = {Assignor::kSticky, Assignor::kRange, Assignor::kRoundRobin};
  return *std::ranges::max_element(kAll, {}, [this](Assignor one) {
    return std::ranges::count_if(
        members_, [one](const auto& member) { return member.second.assignor == one; });
  });
}

TopicPartitions Group::due(const std::string& id, const Member& member) const {
  TopicPartitions due;
  for (const auto& partition : member.target) {
    if (broadcast_.contains(partition.topic)) {
      due.insert(partition);
      continue;
    }
    const auto holder = holders_.find(partition);
    if (holder == holders_.end() ? !is_settling_ : holder->second == id) due.insert(partition);
  }
  return due;
}

Group::Answer Group::tell(const std::string& id, Member& member) {
  member.told = due(id, member);
  member.told_generation = generation_;
  Answer answer{member.told_generation, member.told, {}};
  for (const auto& partition : member.told) {
    member.held.insert(partition);
    if (broadcast_.contains(partition.topic))
      answer.broadcast.insert(partition.topic);
    else
      holders_[partition] = id;
  }
  return answer;
}

std::vector<std::string> Group::take_changed() {
  std::vector<std::string> changed;
  if (!std::exchange(is_changed_, false)) return changed;
  for (const auto& [id, member] : members_) {
    if (due(id, member) != member.told) changed.push_back(id);
  }
  return changed;
}

std::optional<Group::Answer> Group::answer_for(const std::string& member) {
  const auto found = members_.find(member);
  if (found == members_.end()) return std::nullopt;
  return tell(member, found->second);
}

bool Group::owns(const std::string& member, const TopicPartition& partition) const {
  if (broadcast_.contains(partition.topic)) {
    const auto found = members_.find(member);
    return found != members_.end() && found->second.held.contains(partition);
  }
  const auto holder = holders_.find(partition);
  return holder != holders_.end() && holder->second == member;
}

std::optional<std::string> Group::first_owner(const TopicPartition& partition) const {
  const auto found = std::ranges::find_if(
      members_, [&](const auto& one) { return one.second.held.contains(partition); });
  return found == members_.end() ? std::nullopt : std::optional(found->first);
}

std::optional<std::string> Group::instance_of(const std::string& member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? std::nullopt : std::optional(found->second.instance);
}

Status Group::note(const std::string& member,
                   const TopicPartition& partition,
                   const CommittedOffset& offset) {
  auto& noted = members_.at(member).noted;
  const auto known = noted.find(partition);
  if (known != noted.end()) {
    if (auto good = check_forward(known->second, offset); !good) return good;
  }
  noted.insert_or_assign(partition, offset);
  return {};
}

std::optional<CommittedOffset> Group::noted(const std::string& member,
                                            const TopicPartition& partition) const {
  const auto found = members_.find(member);
  if (found == members_.end()) return std::nullopt;
  const auto known = found->second.noted.find(partition);
  return known == found->second.noted.end() ? std::nullopt : std::optional(known->second);
}

std::set<std::string> Group::topics() const {
  std::set<std::string> all;
  for (const auto& [id, member] : members_) all.insert(member.topics.begin(), member.topics.end());
  return all;
}

std::vector<Group::Described> Group::describe(std::int64_t now_ms) const {
  std::vector<Described> all;
  all.reserve(members_.size());
  for (const auto& [id, member] : members_)
    all.push_back(
        {id, member.instance, member.client, member.told, now_ms - member.heard_ms, member.noted});
  return all;
}

}  // namespace xylem::broker
