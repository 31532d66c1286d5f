// The replica machine: its rules one by one, and seeded histories of several (tests/sim/cluster).
#include "broker/cluster/replica.h"

#include "tests/sim/cluster/replica_world.h"

#include <doctest/doctest.h>

namespace xylem::broker {
namespace {

constexpr ReplicaId kFirst{0};
constexpr ReplicaId kSecond{1};
constexpr ReplicaId kThird{2};

PartitionRecord record(const ReplicaSet& in_sync, int epoch = 0, std::uint64_t version = 1) {
  return {.replicas = {kFirst, kSecond, kThird},
          .in_sync = in_sync,
          .leader = kFirst,
          .preferred = kFirst,
          .epoch = Epoch(epoch),
          .version = version,
          .min_insync = 2,
          .moving_to = {}};
}

Replica::Log log_of(std::int64_t end, std::int64_t synced) {
  return {Offset(0), Offset(end), Offset(synced), end == 0 ? kNoEpoch : Epoch(0)};
}

Replica::Fetch fetch(ReplicaId replica, std::int64_t end, std::int64_t synced) {
  return {replica, Epoch(0), Offset(end), Offset(synced), 1};
}

template <class Action>
const Action* find(const Replica::Actions& actions) {
  for (const auto& action : actions) {
    if (const auto* found = std::get_if<Action>(&action)) return found;
  }
  return nullptr;
}

Replica leader(const ReplicaSet& in_sync, const Replica::Log& log) {
  Replica replica(kFirst, {});
  const auto actions = replica.decided(record(in_sync), log, 0);
  REQUIRE(find<Replica::Lead>(actions) != nullptr);
  return replica;
}

TEST_CASE("replica: committed is what every member has synced, not what it has") {
  auto it = leader({kFirst, kSecond, kThird}, log_of(10, 10));
  CHECK(it.fetched(fetch(kSecond, 10, 8), log_of(10, 10), 1).empty());
  const auto actions = it.fetched(fetch(kThird, 10, 9), log_of(10, 10), 1);
  REQUIRE(find<Replica::Commit>(actions) != nullptr);
  CHECK(it.high_watermark() == Offset(8));
  CHECK(it.synced_at(Offset(9), log_of(10, 10)) == 2);
}

TEST_CASE("replica: with fewer than min_insync members nothing is committed") {
  auto it = leader({kFirst}, log_of(10, 10));
  CHECK(find<Replica::Commit>(it.log_moved(log_of(11, 11), 1)) == nullptr);
  CHECK(it.keeping_up(1) == 1);
}

TEST_CASE("replica: one that lags is proposed out, and counts until that is decided") {
  auto it = leader({kFirst, kSecond, kThird}, log_of(10, 10));
  CHECK(it.tick(1'500).empty());
  const auto actions = it.fetched(fetch(kSecond, 10, 10), log_of(10, 10), 1'600);
  const auto* proposal = find<Replica::Propose>(actions);
  REQUIRE(proposal != nullptr);
  CHECK(proposal->in_sync == ReplicaSet{kFirst, kSecond});
  CHECK(proposal->version == 1);
  CHECK(it.high_watermark() == Offset(0));
  CHECK(it.tick(1'700).empty());
  CHECK_FALSE(it.tick(2'200).empty());
  const auto decided = it.decided(record({kFirst, kSecond}, 0, 2), log_of(10, 10), 2'300);
  CHECK(find<Replica::Commit>(decided) != nullptr);
  CHECK(it.high_watermark() == Offset(10));
}

TEST_CASE(
    "replica: a joiner that dies before the decision counts until the old set is decided anew") {
  auto it = leader({kFirst, kSecond}, log_of(10, 10));
  static_cast<void>(it.fetched(fetch(kSecond, 10, 10), log_of(10, 10), 0));
  const auto proposed = it.fetched(fetch(kThird, 10, 10), log_of(10, 10), 1);
  REQUIRE(find<Replica::Propose>(proposed) != nullptr);
  // The third is gone; the second goes on.
  std::int64_t now_ms = 1;
  const Replica::Propose* again = nullptr;
  Replica::Actions actions;
  for (; now_ms < 10'000 && again == nullptr; now_ms += 100) {
    actions = it.fetched(fetch(kSecond, 11, 11), log_of(11, 11), now_ms);
    CHECK(find<Replica::Commit>(actions) == nullptr);
    again = find<Replica::Propose>(actions);
    if (again != nullptr && again->in_sync.size() == 3) again = nullptr;
  }
  REQUIRE(again != nullptr);
  CHECK(again->in_sync == ReplicaSet{kFirst, kSecond});
  auto decided = record({kFirst, kSecond});
  ++decided.version;
  actions = it.decided(decided, log_of(11, 11), now_ms);
  CHECK(it.high_watermark() == Offset(11));
}

TEST_CASE("replica: a new member that asks before the leader has heard of it joins all the same") {
  auto it = leader({kFirst, kSecond}, log_of(0, 0));
  constexpr ReplicaId kFourth{3};
  auto early = fetch(kFourth, 0, 0);
  CHECK(it.fetched(early, log_of(0, 0), 1).empty());  // no member by what we know: not noted
  early.version = 2;
  CHECK(it.fetched(early, log_of(0, 0), 1).empty());
  it.fetched(fetch(kSecond, 0, 0), log_of(0, 0), 1);
  auto moved = record({kFirst, kSecond}, 0, 2);
  moved.replicas.push_back(kFourth);
  moved.moving_to = {kFirst, kSecond, kFourth};
  const auto actions = it.decided(moved, log_of(0, 0), 2);
  const auto* proposal = find<Replica::Propose>(actions);
  REQUIRE(proposal != nullptr);
  CHECK(proposal->in_sync == ReplicaSet{kFirst, kSecond, kFourth});
}

TEST_CASE("replica: one joins at the high watermark, the epoch's start and the newest record") {
  auto it = leader({kFirst, kSecond}, log_of(10, 10));
  it.fetched(fetch(kSecond, 10, 10), log_of(10, 10), 1);
  REQUIRE(it.high_watermark() == Offset(10));
  CHECK(it.fetched(fetch(kThird, 10, 9), log_of(10, 10), 1).empty());
  auto old = fetch(kThird, 10, 10);
  old.version = 0;
  CHECK(it.fetched(old, log_of(10, 10), 1).empty());
  auto other = fetch(kThird, 10, 10);
  other.epoch = Epoch(1);
  CHECK(it.fetched(other, log_of(10, 10), 1).empty());
  const auto actions = it.fetched(fetch(kThird, 10, 10), log_of(10, 10), 1);
  const auto* proposal = find<Replica::Propose>(actions);
  REQUIRE(proposal != nullptr);
  CHECK(proposal->in_sync == ReplicaSet{kFirst, kSecond, kThird});
  // It counts from the proposal on.
  CHECK(it.fetched(fetch(kSecond, 11, 11), log_of(11, 11), 2).empty());
  CHECK(it.high_watermark() == Offset(10));
}

TEST_CASE("replica: a follower takes the leader's high watermark as far as its log reaches") {
  Replica it(kSecond, {});
  const auto actions = it.decided(record({kFirst, kSecond}), log_of(5, 5), 0);
  REQUIRE(find<Replica::Follow>(actions) != nullptr);
  REQUIRE(it.leader_said(Epoch(0), Offset(9), log_of(5, 5)).size() == 1);
  CHECK(it.high_watermark() == Offset(5));
  CHECK(it.leader_said(Epoch(0), Offset(4), log_of(5, 5)).empty());
  CHECK(it.leader_said(Epoch(1), Offset(9), log_of(9, 9)).empty());
}

TEST_CASE("replica: a follower that lost its end to damage learns anew what is committed") {
  Replica it(kSecond, {});
  static_cast<void>(it.decided(record({kFirst, kThird}), log_of(10, 10), 0));
  static_cast<void>(it.leader_said(Epoch(0), Offset(10), log_of(10, 10)));
  it.log_cut(log_of(4, 4));
  CHECK(it.high_watermark() == Offset(4));
  const auto actions = it.leader_said(Epoch(0), Offset(10), log_of(7, 7));
  REQUIRE(find<Replica::Commit>(actions) != nullptr);
  CHECK(it.high_watermark() == Offset(7));
}

TEST_CASE("replica: a follower cuts back only by an answer about its log as it is") {
  Replica it(kSecond, {});
  it.decided(record({kFirst, kSecond}), log_of(5, 5), 0);
  const Replica::CutBack answer{kFirst, Epoch(0), Offset(5), Epoch(0), Offset(3)};
  auto stale = answer;
  stale.asked_end = Offset(6);
  CHECK(it.leader_said(stale, log_of(5, 5)).empty());
  stale = answer;
  stale.asked_last_epoch = Epoch(1);
  CHECK(it.leader_said(stale, log_of(5, 5)).empty());
  stale = answer;
  stale.leader = kThird;
  CHECK(it.leader_said(stale, log_of(5, 5)).empty());
  const auto actions = it.leader_said(answer, log_of(5, 5));
  const auto* cut = find<Replica::Truncate>(actions);
  REQUIRE(cut != nullptr);
  CHECK(cut->offset == Offset(3));
}

TEST_CASE("replica: an older record than the last one is nothing new") {
  Replica it(kSecond, {});
  it.decided(record({kFirst, kSecond}, 3, 9), log_of(0, 0), 0);
  CHECK(it.decided(record({kFirst, kSecond}, 2, 8), log_of(0, 0), 0).empty());
  CHECK(it.epoch() == Epoch(3));
  auto none = record({kFirst, kSecond}, 3, 10);
  none.leader = kNoReplica;
  CHECK(find<Replica::Rest>(it.decided(none, log_of(0, 0), 0)) != nullptr);
}

TEST_CASE("replica: a member that had all and goes on asking stays, one that is silent goes") {
  auto it = leader({kFirst, kSecond, kThird}, log_of(5, 5));
  for (const auto member : {kSecond, kThird}) it.fetched(fetch(member, 5, 5), log_of(5, 5), 0);
  for (const auto member : {kSecond, kThird}) CHECK(it.heard(member, log_of(5, 5), 1'000).empty());
  CHECK(it.tick(2'500).empty());
  CHECK(it.heard(kThird, log_of(5, 5), 2'500).empty());
  CHECK(it.heard(kSecond, log_of(6, 6), 2'500).empty());  // there is more since, which it has not
  const auto actions = it.tick(2'501);
  const auto* proposal = find<Replica::Propose>(actions);
  REQUIRE(proposal != nullptr);
  CHECK(proposal->in_sync == ReplicaSet{kFirst, kThird});
}

TEST_CASE("replica: the set is never proposed below min_insync; what does not keep up is known") {
  auto it = leader({kFirst, kSecond}, log_of(5, 5));
  CHECK(it.keeping_up(1'500) == 2);
  CHECK(it.keeping_up(1'501) == 1);
  CHECK(it.tick(10'000).empty());
}

TEST_CASE("replica: histories of four brokers, one partition") {
  std::size_t records = 0;
  int truncations = 0;
  int disks_lost = 0;
  int moves = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    sim::ReplicaWorld world(seed);
    REQUIRE(world.run(3'000) == "");
    REQUIRE(world.heal() == "");
    records += world.acknowledged();
    truncations += world.truncations();
    disks_lost += world.disks_lost();
    moves += world.moves();
  }
  CHECK(records > 1'000);
  CHECK(truncations > 100);
  CHECK(disks_lost > 100);
  CHECK(moves > 100);
}

}  // namespace
}  // namespace xylem::broker
