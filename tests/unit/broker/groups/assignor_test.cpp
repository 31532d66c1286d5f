#include "broker/groups/assignor.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace xylem::broker {
namespace {

constexpr Assignor kAll[] = {Assignor::kRange, Assignor::kRoundRobin, Assignor::kSticky};

TopicPartitions partitions(const std::string& topic, std::initializer_list<int> numbers) {
  TopicPartitions set;
  for (const int number : numbers) set.insert({topic, PartitionId(number)});
  return set;
}

Wishes members(int count, const std::set<std::string>& topics) {
  Wishes wishes;
  for (int i = 0; i < count; ++i) wishes["m" + std::to_string(i)] = {topics, {}};
  return wishes;
}

// Every partition that somebody wants has one member, who wants it; nobody else has one.
void check_whole(const Assignment& assignment,
                 const Wishes& wishes,
                 const PartitionCounts& counts) {
  TopicPartitions given;
  CHECK(assignment.size() == wishes.size());
  for (const auto& [member, has] : assignment) {
    for (const auto& partition : has) {
      CHECK(wishes.at(member).topics.contains(partition.topic));
      CHECK(given.insert(partition).second);
      CHECK(partition.partition.value() < counts.at(partition.topic));
    }
  }
  std::size_t wanted = 0;
  for (const auto& [topic, count] : counts) {
    const bool is_wanted = std::ranges::any_of(
        wishes, [&](const auto& one) { return one.second.topics.contains(topic); });
    if (is_wanted) wanted += static_cast<std::size_t>(count);
  }
  CHECK(given.size() == wanted);
}

std::pair<std::size_t, std::size_t> least_and_most(const Assignment& assignment) {
  const auto [least, most] = std::ranges::minmax_element(
      assignment, {}, [](const auto& one) { return one.second.size(); });
  return {least->second.size(), most->second.size()};
}

std::size_t moved(const Wishes& before, const Assignment& after) {
  std::size_t count = 0;
  for (const auto& [member, has] : after) {
    for (const auto& partition : has) {
      for (const auto& [other, wish] : before)
        if (other != member && wish.owned.contains(partition)) ++count;
    }
  }
  return count;
}

TEST_CASE("assignor: ranges are runs of each topic") {
  const auto given = assign(Assignor::kRange, members(3, {"a", "b"}), {{"a", 7}, {"b", 2}});
  CHECK(given.at("m0").contains({"a", PartitionId(2)}));
  CHECK(given.at("m1").contains({"a", PartitionId(3)}));
  CHECK(given.at("m1").contains({"a", PartitionId(4)}));
  CHECK(given.at("m2") == partitions("a", {5, 6}));
  CHECK(given.at("m0").contains({"b", PartitionId(0)}));
}

TEST_CASE("assignor: round robin deals all partitions in turn") {
  const auto given = assign(Assignor::kRoundRobin, members(2, {"a", "b"}), {{"a", 3}, {"b", 3}});
  CHECK(given.at("m0").contains({"a", PartitionId(2)}));
  CHECK(given.at("m1").contains({"b", PartitionId(0)}));
  CHECK(least_and_most(given) == std::pair<std::size_t, std::size_t>{3, 3});
}

TEST_CASE("assignor: names") {
  for (const auto one : kAll) CHECK(assignor_of(to_string(one)) == one);
  CHECK_FALSE(assignor_of("fair"));
}

TEST_CASE("assignor: nobody, nothing, and topics that are not there") {
  for (const auto one : kAll) {
    CHECK(assign(one, {}, {{"a", 3}}).empty());
    CHECK(assign(one, members(2, {"a"}), {}).at("m0").empty());
    CHECK(assign(one, members(2, {"gone"}), {{"a", 3}}).at("m1").empty());
  }
}

TEST_CASE("assignor: sticky moves what it must, and no more") {
  auto wishes = members(4, {"a"});
  for (int p = 0; p < 100; ++p)
    wishes["m" + std::to_string(p % 4)].owned.insert({"a", PartitionId(p)});
  SUBCASE("nothing") { CHECK(moved(wishes, assign(Assignor::kSticky, wishes, {{"a", 100}})) == 0); }
  SUBCASE("a share to who comes") {
    wishes["new"].topics = {"a"};
    const auto given = assign(Assignor::kSticky, wishes, {{"a", 100}});
    CHECK(given.at("new").size() == 20);
    CHECK(moved(wishes, given) == 20);
  }
  SUBCASE("what nobody has any more") {
    wishes.erase("m2");
    const auto given = assign(Assignor::kSticky, wishes, {{"a", 100}});
    CHECK(moved(wishes, given) == 0);
    CHECK(least_and_most(given) == std::pair<std::size_t, std::size_t>{33, 34});
  }
  SUBCASE("one that two claim stays with the first") {
    wishes["m3"].owned.insert({"a", PartitionId(0)});
    CHECK(assign(Assignor::kSticky, wishes, {{"a", 100}}).at("m0").contains({"a", PartitionId(0)}));
  }
}

TEST_CASE("assignor: random groups are served whole, and evenly where all want the same") {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    PartitionCounts counts;
    for (std::uint64_t t = 0; t <= random.below(4); ++t)
      counts["t" + std::to_string(t)] = static_cast<std::int32_t>(1 + random.below(30));
    Wishes wishes;
    const bool are_alike = random.below(2) == 0;
    for (std::uint64_t m = 0; m <= random.below(12); ++m) {
      auto& wish = wishes["m" + std::to_string(m)];
      for (const auto& [topic, count] : counts)
        if (are_alike || random.below(2) == 0) wish.topics.insert(topic);
    }
    for (const auto one : kAll) {
      auto given = assign(one, wishes, counts);
      check_whole(given, wishes, counts);
      if (!are_alike || one == Assignor::kRange) continue;
      auto [least, most] = least_and_most(given);
      CHECK(most - least <= 1);
      // One leaves: with sticky only what it had moves, and the others stay even.
      if (one != Assignor::kSticky || wishes.size() == 1) continue;
      auto fewer = wishes;
      for (auto& [member, wish] : fewer) wish.owned = given.at(member);
      fewer.erase(fewer.begin());
      given = assign(one, fewer, counts);
      check_whole(given, fewer, counts);
      CHECK(moved(fewer, given) == 0);
      std::tie(least, most) = least_and_most(given);
      CHECK(most - least <= 1);
    }
  }
}

}  // namespace
}  // namespace xylem::broker
