// Where replicas go: even, and moved as little as brokers that come and go allow.
#include "broker/cluster/placement.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

namespace xylem::broker {
namespace {

std::vector<ReplicaId> brokers(int count, int first = 0) {
  std::vector<ReplicaId> all;
  for (int i = 0; i < count; ++i) all.emplace_back(first + i);
  return all;
}

std::vector<LogId> logs(int count, std::uint64_t topic = 1) {
  std::vector<LogId> all;
  for (int i = 0; i < count; ++i)
    all.push_back({{TopicId::from_words(9, topic), 0}, PartitionId(i)});
  return all;
}

struct Loads {
  explicit Loads(const std::vector<Placed>& placed) {
    for (const auto& each : placed) {
      ++leaders[each.replicas.front()];
      for (const auto replica : each.replicas) ++replicas[replica];
    }
  }

  static std::size_t spread(const std::map<ReplicaId, std::size_t>& load, std::size_t brokers) {
    std::size_t least = load.size() < brokers ? 0 : SIZE_MAX;
    std::size_t most = 0;
    for (const auto& [broker, number] : load) {
      least = std::min(least, number);
      most = std::max(most, number);
    }
    return most - least;
  }

  std::map<ReplicaId, std::size_t> replicas;
  std::map<ReplicaId, std::size_t> leaders;
};

bool are_distinct(const Placed& placed) {
  return std::set<ReplicaId>(placed.replicas.begin(), placed.replicas.end()).size() ==
         placed.replicas.size();
}

// `placed` with `changed` in it.
std::vector<Placed> with(std::vector<Placed> placed, const std::vector<Placed>& changed) {
  for (const auto& change : changed) *std::ranges::find(placed, change.log, &Placed::log) = change;
  return placed;
}

// How many replicas are on another broker than before.
std::size_t moved(const std::vector<Placed>& before, const std::vector<Placed>& after) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    for (const auto replica : after[i].replicas) {
      if (std::ranges::find(before[i].replicas, replica) == before[i].replicas.end()) ++count;
    }
  }
  return count;
}

TEST_CASE("placement: replicas are on distinct brokers; they and their leaders are even") {
  for (const int count : {1, 4, 24, 100, 1'000}) {
    CAPTURE(count);
    const auto placed = place(brokers(5), {}, logs(count), 3);
    REQUIRE(placed);
    REQUIRE(placed->size() == static_cast<std::size_t>(count));
    for (const auto& each : *placed) {
      CHECK(each.replicas.size() == 3);
      CHECK(are_distinct(each));
    }
    const Loads loads(*placed);
    CHECK(Loads::spread(loads.replicas, 5) <= 1);
    CHECK(Loads::spread(loads.leaders, 5) <= 2);
  }
}

TEST_CASE("placement: a second topic evens out what the first one left") {
  const auto first = place(brokers(5), {}, logs(1), 3);
  REQUIRE(first);
  const auto second = place(brokers(5), *first, logs(9, 2), 3);
  REQUIRE(second);
  auto all = *first;
  all.insert(all.end(), second->begin(), second->end());
  CHECK(Loads::spread(Loads(all).replicas, 5) <= 1);
}

TEST_CASE("placement: it is the same in every version") {
  const auto placed = place(brokers(5), {}, logs(4), 3);
  REQUIRE(placed);
  std::string numbers;
  for (const auto& each : *placed) {
    for (const auto replica : each.replicas) numbers += std::to_string(replica.value());
    numbers += ' ';
  }
  CHECK(numbers == "021 420 143 310 ");
}

TEST_CASE("placement: more replicas than brokers are refused, as many are not") {
  CHECK(place(brokers(3), {}, logs(2), 3).has_value());
  const auto placed = place(brokers(2), {}, logs(2), 3);
  REQUIRE_FALSE(placed);
  CHECK(placed.error().code() == Errc::kNotEnoughReplicas);
  CHECK_FALSE(place({}, {}, logs(1), 1));
}

TEST_CASE("placement: a broker that comes takes its share, and nothing else moves") {
  const auto before = place(brokers(5), {}, logs(100), 3).value();
  const auto changed = rebalance(brokers(6), before);
  const auto after = with(before, changed);
  const Loads loads(after);
  CHECK(Loads::spread(loads.replicas, 6) <= 1);
  CHECK(Loads::spread(loads.leaders, 6) <= 2);
  CHECK(moved(before, after) == 50);  // a sixth of 300
  for (const auto& each : after) CHECK(are_distinct(each));
  CHECK(rebalance(brokers(6), after).empty());
}

TEST_CASE("placement: of a broker that is replaced only its own replicas move") {
  const auto before = place(brokers(5), {}, logs(100), 3).value();
  auto now = brokers(5);
  now[2] = ReplicaId(7);
  const auto after = with(before, rebalance(now, before));
  CHECK(moved(before, after) == Loads(before).replicas.at(ReplicaId(2)));
  CHECK(Loads::spread(Loads(after).replicas, 5) <= 1);
  for (const auto& each : after) {
    CHECK(are_distinct(each));
    CHECK(std::ranges::find(each.replicas, ReplicaId(2)) == each.replicas.end());
  }
}

TEST_CASE("placement: with too few brokers left a partition keeps who is gone") {
  const auto before = place(brokers(3), {}, logs(4), 3).value();
  for (const auto& each : with(before, rebalance(brokers(2), before))) {
    CHECK(each.replicas.size() == 3);
    CHECK(are_distinct(each));
  }
  CHECK(rebalance({}, before).empty());
}

TEST_CASE("placement: whatever was there, a rebalance evens it out and then has nothing to do") {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const int count = 3 + static_cast<int>(random.below(6));
    std::vector<Placed> before;
    for (const auto& log : logs(1 + static_cast<int>(random.below(60)))) {
      Placed placed{log, {}};
      while (placed.replicas.size() < 3) {
        const ReplicaId broker(static_cast<std::int32_t>(random.below(9)));
        if (std::ranges::find(placed.replicas, broker) == placed.replicas.end())
          placed.replicas.push_back(broker);
      }
      before.push_back(std::move(placed));
    }
    const auto after = with(before, rebalance(brokers(count), before));
    for (const auto& each : after) {
      CHECK(are_distinct(each));
      CHECK(std::ranges::all_of(each.replicas, [&](ReplicaId r) { return r.value() < count; }));
    }
    CHECK(Loads::spread(Loads(after).replicas, static_cast<std::size_t>(count)) <= 1);
    CHECK(rebalance(brokers(count), after).empty());
  }
}

}  // namespace
}  // namespace xylem::broker
