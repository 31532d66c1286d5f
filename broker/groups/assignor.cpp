#include "broker/groups/assignor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::array<std::pair<Assignor, std::string_view>, 3> kNames = {
    {{Assignor::kRange, "range"},
     {Assignor::kRoundRobin, "round-robin"},
     {Assignor::kSticky, "sticky"}}};

using Names = std::vector<std::string>;

Assignment empty_assignment(const Wishes& wishes) {
  Assignment assignment;
  for (const auto& [member, wish] : wishes) assignment[member];
  return assignment;
}

// Of each topic that is there: who wants it, in order.
std::map<std::string, Names> wanted_by(const Wishes& wishes, const PartitionCounts& counts) {
  std::map<std::string, Names> wanted;
  for (const auto& [member, wish] : wishes) {
    for (const auto& topic : wish.topics) {
      if (counts.contains(topic)) wanted[topic].push_back(member);
    }
  }
  return wanted;
}

Assignment assign_ranges(const Wishes& wishes, const PartitionCounts& counts) {
  auto assignment = empty_assignment(wishes);
  for (const auto& [topic, members] : wanted_by(wishes, counts)) {
    const auto partitions = counts.at(topic);
    const auto share = partitions / std::ssize(members);
    const auto larger = partitions % std::ssize(members);
    std::int32_t next = 0;
    for (std::ptrdiff_t i = 0; i < std::ssize(members); ++i) {
      for (auto left = share + (i < larger ? 1 : 0); left > 0; --left)
        assignment[members[static_cast<std::size_t>(i)]].insert({topic, PartitionId(next++)});
    }
  }
  return assignment;
}

Assignment deal_round(const Wishes& wishes, const PartitionCounts& counts) {
  auto assignment = empty_assignment(wishes);
  Names members;
  members.reserve(wishes.size());
  for (const auto& [member, wish] : wishes) members.push_back(member);
  std::size_t turn = 0;
  for (const auto& [topic, who] : wanted_by(wishes, counts)) {
    for (std::int32_t p = 0; p < counts.at(topic); ++p) {
      while (!wishes.at(members[turn % members.size()]).topics.contains(topic)) ++turn;
      assignment[members[turn++ % members.size()]].insert({topic, PartitionId(p)});
    }
  }
  return assignment;
}

// Members by how much they have, so that who has least, or most, is found at once.
class Loads {
 public:
  explicit Loads(Assignment& assignment) : assignment_(assignment) {
    for (const auto& [member, partitions] : assignment)
      by_load_.insert({partitions.size(), member});
  }

  // Of those who want `topic` the one that has least. Somebody does.
  [[nodiscard]] const std::string& least(const Names& who) const {
    for (const auto& [load, member] : by_load_) {
      if (std::ranges::binary_search(who, member)) return member;
    }
    return who.front();
  }

  void give(const std::string& member, const TopicPartition& partition) {
    change(member, [&](TopicPartitions& has) { has.insert(partition); });
  }

  void take(const std::string& member, const TopicPartition& partition) {
    change(member, [&](TopicPartitions& has) { has.erase(partition); });
  }

  // Those who have most first.
  [[nodiscard]] Names heaviest_first() const {
    Names members;
    members.reserve(by_load_.size());
    for (auto at = by_load_.rbegin(); at != by_load_.rend(); ++at) members.push_back(at->second);
    return members;
  }

  [[nodiscard]] std::size_t of(const std::string& member) const {
    return assignment_.at(member).size();
  }

 private:
  template <class Change>
  void change(const std::string& member, const Change& change) {
    auto& has = assignment_.at(member);
    by_load_.erase({has.size(), member});
    change(has);
    by_load_.insert({has.size(), member});
  }

  Assignment& assignment_;
  std::set<std::pair<std::size_t, std::string>> by_load_;
};

// One partition of the heaviest member that can give one to a member with at least two fewer.
// False: nobody can, so it is even.
bool even_out(Loads& loads,
              const Assignment& assignment,
              const std::map<std::string, Names>& wanted) {
  for (const auto& giver : loads.heaviest_first()) {
    const auto& has = assignment.at(giver);
    for (auto at = has.begin(); at != has.end();) {
      const auto& taker = loads.least(wanted.at(at->topic));
      if (loads.of(taker) + 2 <= has.size()) {
        const TopicPartition moved{at->topic, at->partition};
        const auto to = taker;
        loads.take(giver, moved);
        loads.give(to, moved);
        return true;
      }
      // Whoever wants one partition of a topic wants all of them.
      at = has.upper_bound({at->topic, PartitionId(INT32_MAX)});
    }
  }
  return false;
}

Assignment assign_sticky(const Wishes& wishes, const PartitionCounts& counts) {
  auto assignment = empty_assignment(wishes);
  const auto wanted = wanted_by(wishes, counts);
  TopicPartitions free;
  for (const auto& [topic, members] : wanted) {
    for (std::int32_t p = 0; p < counts.at(topic); ++p) free.insert({topic, PartitionId(p)});
  }
  for (const auto& [member, wish] : wishes) {
    for (const auto& owned : wish.owned) {
      if (wish.topics.contains(owned.topic) && free.erase(owned) > 0)
        assignment[member].insert(owned);
    }
  }
  Loads loads(assignment);
  for (const auto& partition : free) {
    const auto member = loads.least(wanted.at(partition.topic));
    loads.give(member, partition);
  }
  while (even_out(loads, assignment, wanted)) {
  }
  return assignment;
}

}  // namespace

std::string_view to_string(Assignor assignor) {
  return std::ranges::find(kNames, assignor, &decltype(kNames)::value_type::first)->second;
}

std::optional<Assignor> assignor_of(std::string_view name) {
  const auto* const known = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  return known == kNames.end() ? std::nullopt : std::optional(known->first);
}

Assignment assign(Assignor assignor, const Wishes& wishes, const PartitionCounts& counts) {
  if (wishes.empty()) return {};
  switch (assignor) {
    case Assignor::kRange:
      return assign_ranges(wishes, counts);
    case Assignor::kRoundRobin:
      return deal_round(wishes, counts);
    case Assignor::kSticky:
      return assign_sticky(wishes, counts);
  }
  return {};
}

void assign_all(const Wishes& wishes, const PartitionCounts& counts, Assignment& assignment) {
  for (const auto& [topic, members] : wanted_by(wishes, counts)) {
    for (const auto& member : members) {
      for (std::int32_t p = 0; p < counts.at(topic); ++p)
        assignment[member].insert({topic, PartitionId(p)});
    }
  }
}

}  // namespace xylem::broker
