#include "broker/refresh/refresh_run.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::RefreshRun;
using broker::RefreshState;
using Kind = RefreshRun::Act::Kind;

constexpr std::uint64_t kId = 70;
constexpr std::uint64_t kStale = 69;

RefreshRun::Act act(Kind kind, RefreshRun::ConsumerKey consumer) { return {kind, consumer}; }

// Two partitions; the broker itself has everything below the barrier.
struct Running {
  RefreshRun run{{.id = kId, .topic = "t"}, {}, 0};
  std::int64_t now = 0;

  explicit Running(bool own_is_whole = true) {
    run.open(now);
    run.set_barrier({Offset(10), Offset(20)});
    if (own_is_whole) run.has({Offset(10), Offset(20)}, now);
  }

  // Up to READY, which is not answered.
  void bring_to_ready(RefreshRun::ConsumerKey key) {
    REQUIRE(run.on_reset_ack(key, kId, now) == RefreshRun::Acts{act(Kind::kReplay, key)});
    run.began(key, {Offset(0), Offset(0)});
    CHECK(run.sent_all(key, {Offset(10), Offset(20)}, now).empty());
    CHECK(run.acknowledged(key, kId, PartitionId(0), Offset(10), now).empty());
    REQUIRE(run.acknowledged(key, kId, PartitionId(1), Offset(20), now) ==
            RefreshRun::Acts{act(Kind::kSendReady, key)});
  }
};

// With somebody who is there, so that it does not end at once.
struct WithOne : Running {
  explicit WithOne(bool own_is_whole = true) : Running(false) {
    REQUIRE(run.join(1, "one", false, now) == RefreshRun::Acts{act(Kind::kSendReset, 1)});
    if (own_is_whole) run.has({Offset(10), Offset(20)}, now);
  }
};

TEST_CASE("refresh run: RESET, replay, READY at the consumer's own acknowledgements, done") {
  WithOne world;
  auto& run = world.run;
  CHECK(run.state() == RefreshState::kResetSent);
  CHECK(run.on_reset_ack(1, kId, 1) == RefreshRun::Acts{act(Kind::kReplay, 1)});
  CHECK(run.state() == RefreshState::kReplaying);
  run.began(1, {Offset(0), Offset(0)});
  // Acknowledged before it is known what is all: not READY yet.
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(12), 2).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(1), Offset(19), 2).empty());
  CHECK(run.sent_all(1, {Offset(12), Offset(20)}, 3).empty());
  CHECK(run.state() == RefreshState::kReplaying);
  CHECK(run.acknowledged(1, kId, PartitionId(1), Offset(20), 4) ==
        RefreshRun::Acts{act(Kind::kSendReady, 1)});
  CHECK(run.state() == RefreshState::kReadySent);
  CHECK(run.on_ready_ack(1, kId, 5) == RefreshRun::Acts{act(Kind::kGoOn, 1)});
  CHECK(run.state() == RefreshState::kCompleted);
  CHECK(run.status().consumers == 1);
  CHECK(run.status().consumers_ready == 1);
  CHECK(run.status().replayed == std::vector{Offset(10), Offset(20)});
  CHECK_FALSE(run.is_busy());
}

TEST_CASE("refresh run: frames of another refresh, of nobody, or out of turn do nothing") {
  WithOne world;
  auto& run = world.run;
  CHECK(run.on_reset_ack(1, kStale, 1).empty());
  CHECK(run.on_reset_ack(2, kId, 1).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(10), 1).empty());  // before RESET_ACK
  CHECK(run.state() == RefreshState::kResetSent);
  REQUIRE(run.on_reset_ack(1, kId, 1).size() == 1);
  CHECK(run.on_reset_ack(1, kId, 2).empty());  // the second answer to a repeated RESET
  run.began(1, {Offset(0), Offset(0)});
  CHECK(run.sent_all(1, {Offset(9), Offset(20)}, 2).empty());  // below the barrier: no goal
  CHECK(run.acknowledged(1, kStale, PartitionId(0), Offset(10), 2).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(10), 2).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(1), Offset(20), 2).empty());
  CHECK(run.sent_all(1, {Offset(10), Offset(20)}, 2) == RefreshRun::Acts{act(Kind::kSendReady, 1)});
  CHECK(run.on_ready_ack(1, kStale, 3).empty());
  CHECK(run.on_ready_ack(2, kId, 3).empty());
  CHECK(run.state() == RefreshState::kReadySent);
  CHECK(run.on_ready_ack(1, kId, 3).size() == 1);
  CHECK(run.on_ready_ack(1, kId, 4).empty());
}

TEST_CASE("refresh run: RESET and READY are told again until they are answered") {
  WithOne world;
  auto& run = world.run;
  CHECK(run.tick(4'999).empty());
  CHECK(run.tick(5'000) == RefreshRun::Acts{act(Kind::kSendReset, 1)});
  CHECK(run.tick(9'999).empty());
  CHECK(run.tick(10'000) == RefreshRun::Acts{act(Kind::kSendReset, 1)});
  world.now = 10'000;
  world.bring_to_ready(1);
  CHECK(run.tick(19'999).empty());
  CHECK(run.tick(20'000) == RefreshRun::Acts{act(Kind::kSendReady, 1)});
  CHECK(run.tick(20'001).empty());
}

TEST_CASE("refresh run: nobody hears of it before it is open") {
  RefreshRun run({.id = kId, .topic = "t"}, {}, 0);
  CHECK(run.join(1, "one", false, 0).empty());
  CHECK(run.tick(700'000).empty());
  CHECK(run.open(700'000) == RefreshRun::Acts{act(Kind::kSendReset, 1)});
  CHECK(run.open(700'001).empty());
}

TEST_CASE("refresh run: with nobody it ends when the broker's own copy is whole") {
  Running world(false);
  CHECK(world.run.state() == RefreshState::kResetSent);
  world.run.has({Offset(10), Offset(19)}, 1);
  CHECK(world.run.state() == RefreshState::kResetSent);
  world.run.has({Offset(10), Offset(20)}, 2);
  CHECK(world.run.state() == RefreshState::kCompleted);
}

TEST_CASE("refresh run: all consumers have it, but the broker's own copy not yet") {
  WithOne world(false);
  world.bring_to_ready(1);
  world.run.on_ready_ack(1, kId, 1);
  CHECK(world.run.state() == RefreshState::kReadySent);
  world.run.has({Offset(10), Offset(20)}, 2);
  CHECK(world.run.state() == RefreshState::kCompleted);
}

TEST_CASE("refresh run: who joins late begins at RESET, and the state does not go back") {
  WithOne world;
  auto& run = world.run;
  world.bring_to_ready(1);
  REQUIRE(run.state() == RefreshState::kReadySent);
  CHECK(run.join(2, "two", true, 1) == RefreshRun::Acts{act(Kind::kSendReset, 2)});
  CHECK(run.state() == RefreshState::kReadySent);
  run.on_ready_ack(1, kId, 2);
  CHECK(run.state() == RefreshState::kReadySent);
  world.bring_to_ready(2);
  run.on_ready_ack(2, kId, 3);
  CHECK(run.state() == RefreshState::kCompleted);
}

TEST_CASE("refresh run: who has that copy already answers RESET by READY_ACK") {
  WithOne world;
  CHECK(world.run.on_ready_ack(1, kId, 1) == RefreshRun::Acts{act(Kind::kLeaveOff, 1)});
  CHECK(world.run.state() == RefreshState::kCompleted);
}

TEST_CASE("refresh run: who goes away is waited for a little, then owed it") {
  WithOne world;
  auto& run = world.run;
  run.on_reset_ack(1, kId, 1);
  run.leave(1, 100);
  CHECK(run.unfinished() == RefreshRun::Owed{{"one", 1}});
  CHECK(run.tick(15'099).empty());
  CHECK(run.state() == RefreshState::kReplaying);
  run.tick(15'100);
  CHECK(run.state() == RefreshState::kCompleted);
  CHECK(run.status().owed == 1);
  CHECK(run.join(2, "somebody else", false, 20'000).empty());
  CHECK(run.join(3, "one", false, 20'000) == RefreshRun::Acts{act(Kind::kSendReset, 3)});
  CHECK(run.is_busy_with(3));
  world.now = 20'000;
  world.bring_to_ready(3);
  CHECK(run.on_ready_ack(3, kId, 20'001) == RefreshRun::Acts{act(Kind::kGoOn, 3)});
  CHECK(run.unfinished().empty());
  CHECK(run.join(4, "one", false, 20'002).empty());
  CHECK(run.state() == RefreshState::kCompleted);
}

TEST_CASE("refresh run: back within that time it is taken on at once") {
  WithOne world;
  world.run.leave(1, 100);
  CHECK(world.run.join(2, "one", false, 200) == RefreshRun::Acts{act(Kind::kSendReset, 2)});
  CHECK(world.run.status().owed == 0);
  world.run.tick(30'000);
  CHECK(world.run.state() == RefreshState::kResetSent);
}

TEST_CASE("refresh run: who comes back without any copy needs none of an ended refresh") {
  WithOne world;
  world.run.leave(1, 0);
  world.run.tick(15'000);
  REQUIRE(world.run.state() == RefreshState::kCompleted);
  CHECK(world.run.join(2, "one", true, 15'001).empty());
  CHECK(world.run.unfinished().empty());
}

TEST_CASE("refresh run: of two with one name, one away: one is owed it") {
  WithOne world;
  auto& run = world.run;
  run.join(2, "one", false, 0);
  run.leave(2, 0);
  world.bring_to_ready(1);
  run.on_ready_ack(1, kId, 1);
  run.tick(15'000);
  REQUIRE(run.state() == RefreshState::kCompleted);
  CHECK(run.unfinished() == RefreshRun::Owed{{"one", 1}});
}

TEST_CASE("refresh run: who is back before it was seen to go is neither owed nor counted twice") {
  WithOne world;
  auto& run = world.run;
  run.join(2, "two", false, 0);
  run.join(3, "one", false, 1);  // over a new connection
  SUBCASE("it had not finished") { run.leave(1, 2); }
  SUBCASE("it had finished") {
    world.bring_to_ready(1);
    run.on_ready_ack(1, kId, 1);
    run.leave(1, 2);
  }
  CHECK(run.unfinished() == RefreshRun::Owed{{"one", 1}, {"two", 1}});
  CHECK(run.status().consumers == 2);
  CHECK(run.status().owed == 0);
  for (const RefreshRun::ConsumerKey key : {2U, 3U}) {
    world.bring_to_ready(key);
    run.on_ready_ack(key, kId, 3);
  }
  CHECK(run.state() == RefreshState::kCompleted);  // nobody is waited for
  CHECK(run.join(4, "one", false, 4).empty());
}

TEST_CASE("refresh run: one that came back makes good for one that went") {
  RefreshRun run({.id = kId, .topic = "t"}, {}, 0);
  run.join(1, "one", false, 0);
  run.join(2, "one", false, 0);
  run.open(0);
  SUBCASE("not for two") {
    run.join(3, "one", false, 1);
    run.leave(1, 2);
    run.leave(2, 2);
    CHECK(run.unfinished() == RefreshRun::Owed{{"one", 2}});
    CHECK(run.status().owed == 1);
  }
  SUBCASE("who was there before the refresh did not come back") {
    run.leave(1, 2);
    CHECK(run.status().owed == 1);
  }
  SUBCASE("who comes without a copy may be anybody") {
    run.join(3, "one", true, 1);
    run.leave(1, 2);
    CHECK(run.status().owed == 1);
  }
}

TEST_CASE(
    "refresh run: who was away when it began is owed it and, if that is long ago, not waited for") {
  Running world(false);
  world.run.owe("gone", -20'000);
  world.run.has({Offset(10), Offset(20)}, 0);
  CHECK(world.run.state() == RefreshState::kCompleted);
  CHECK(world.run.unfinished() == RefreshRun::Owed{{"gone", 1}});
}

TEST_CASE("refresh run: no progress of anybody for ten minutes ends it") {
  WithOne world;
  auto& run = world.run;
  run.on_reset_ack(1, kId, 1'000);
  run.began(1, {Offset(0), Offset(0)});
  CHECK(run.tick(600'999).empty());
  run.acknowledged(1, kId, PartitionId(0), Offset(1), 600'999);
  CHECK(run.tick(1'200'998).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(1), 1'200'998).empty());  // no progress
  CHECK(run.tick(1'200'999) == RefreshRun::Acts{act(Kind::kLeaveOff, 1)});
  CHECK(run.state() == RefreshState::kAborted);
  CHECK(run.has_stalled());
  CHECK(run.status().failure.find("\"one\" has not finished") != std::string::npos);
  CHECK(run.unfinished().empty());
  CHECK(run.on_reset_ack(1, kId, 1'201'000).empty());
  CHECK(run.on_ready_ack(1, kId, 1'201'000).empty());
  CHECK(run.join(2, "two", false, 1'201'000).empty());
}

TEST_CASE("refresh run: a copy of the broker that grows below the barrier is progress") {
  Running world(false);
  for (int i = 1; i <= 10; ++i) {
    world.run.has({Offset(i), Offset(0)}, i * 500'000);
    CHECK(world.run.tick(i * 500'000).empty());
    CHECK_FALSE(is_over(world.run.state()));
  }
  world.run.tick(5'599'999);
  CHECK_FALSE(is_over(world.run.state()));
  world.run.tick(5'600'000);
  CHECK(world.run.state() == RefreshState::kAborted);
  CHECK(world.run.status().failure.find("own copy") != std::string::npos);
}

TEST_CASE("refresh run: stopped at any time, consumers go on with the copy they have") {
  for (int reached = 0; reached < 3; ++reached) {
    WithOne world;
    if (reached == 1) world.run.on_reset_ack(1, kId, 0);
    if (reached == 2) world.bring_to_ready(1);
    CHECK(world.run.abort("enough") == RefreshRun::Acts{act(Kind::kLeaveOff, 1)});
    CHECK(world.run.state() == RefreshState::kAborted);
    CHECK(world.run.status().failure == "enough");
    CHECK(world.run.abort("again").empty());
    CHECK(world.run.tick(1'000'000).empty());
  }
}

TEST_CASE("refresh run: of an ended one, who came back and does not move is left off and owed") {
  WithOne world;
  auto& run = world.run;
  run.leave(1, 0);
  run.tick(15'000);
  REQUIRE(run.state() == RefreshState::kCompleted);
  REQUIRE(run.join(2, "one", false, 20'000).size() == 1);
  CHECK(run.tick(620'000) == RefreshRun::Acts{act(Kind::kLeaveOff, 2)});
  CHECK(run.unfinished() == RefreshRun::Owed{{"one", 1}});
  CHECK_FALSE(run.is_busy());
}

TEST_CASE("refresh run: resumed, everybody is told RESET again") {
  broker::RefreshStatus kept{.id = kId, .topic = "t", .state = RefreshState::kReadySent};
  kept.barrier = {Offset(10), Offset(20)};
  RefreshRun run({.id = kId, .topic = "t"}, {}, 0, kept, {{"one", 1}});
  CHECK(run.state() == RefreshState::kResetSent);
  run.has({Offset(10), Offset(20)}, 0);
  CHECK(run.join(1, "one", false, 1).empty());
  CHECK(run.open(2) == RefreshRun::Acts{act(Kind::kSendReset, 1)});
  CHECK(run.barrier() == std::vector{Offset(10), Offset(20)});
  CHECK(run.state() == RefreshState::kResetSent);
}

TEST_CASE("refresh run: resumed after its end, who is owed it gets it") {
  broker::RefreshStatus kept{.id = kId, .topic = "t", .state = RefreshState::kCompleted};
  kept.barrier = {Offset(10), Offset(20)};
  RefreshRun run({.id = kId, .topic = "t"}, {}, 0, kept, {{"one", 1}});
  CHECK(run.join(1, "other", false, 1).empty());
  CHECK(run.join(2, "one", false, 1) == RefreshRun::Acts{act(Kind::kSendReset, 2)});
}

TEST_CASE("refresh run: those who are away are counted up to a limit") {
  Running world(false);
  for (std::size_t i = 0; i < RefreshRun::kOwedMax + 5; ++i)
    world.run.owe("c" + std::to_string(i), 0);
  CHECK(world.run.unfinished().size() == RefreshRun::kOwedMax);
}

TEST_CASE("refresh run: the goal waits until it is known what there is to have") {
  RefreshRun run({.id = kId, .topic = "t", .is_rebuild = true}, {}, 0);
  run.open(0);
  run.join(1, "one", false, 0);
  run.on_reset_ack(1, kId, 0);
  run.began(1, {Offset(0)});
  run.acknowledged(1, kId, PartitionId(0), Offset(5), 0);
  CHECK(run.sent_all(1, {Offset(5)}, 0).empty());
  run.set_barrier({Offset(5)});
  run.set_barrier({Offset(4)});  // it is said once
  CHECK(run.barrier() == std::vector{Offset(5)});
  CHECK(run.sent_all(1, {Offset(5)}, 0).size() == 1);
}

TEST_CASE("refresh run: a newer one takes over who is owed, and leaves off who is on the way") {
  WithOne world;
  auto& run = world.run;
  run.owe("gone", -20'000);
  run.leave(1, 0);
  run.tick(15'000);
  REQUIRE(run.state() == RefreshState::kCompleted);
  REQUIRE(run.join(2, "one", false, 20'000).size() == 1);
  RefreshRun newer({.id = kId + 1, .topic = "t"}, {}, 21'000);
  newer.owe("gone", 10'000);  // known already
  CHECK(run.hand_over(newer, 21'000) == RefreshRun::Acts{act(Kind::kLeaveOff, 2)});
  CHECK(newer.unfinished() == RefreshRun::Owed{{"gone", 1}, {"one", 1}});
  CHECK(run.unfinished().empty());
  CHECK(run.state() == RefreshState::kCompleted);
  CHECK_FALSE(run.is_busy());
  CHECK(run.tick(30'000).empty());  // RESET is not told again
  CHECK(run.tick(700'000).empty());
  newer.join(2, "one", false, 21'000);
  CHECK(newer.unfinished() == RefreshRun::Owed{{"gone", 1}, {"one", 1}});
  RefreshRun third({.id = kId + 2, .topic = "t"}, {}, 22'000);
  run.hand_over(third, 22'000);
  newer.hand_over(third, 22'000);
  CHECK(newer.state() == RefreshState::kAborted);
  CHECK(third.unfinished() == RefreshRun::Owed{{"gone", 1}, {"one", 1}});
}

TEST_CASE("refresh run: all is sent only to who is being replayed to") {
  WithOne world;
  CHECK(world.run.sent_all(1, {Offset(10), Offset(20)}, 1).empty());  // of an older replay
  world.run.on_reset_ack(1, kId, 2);
  world.run.began(1, {Offset(0), Offset(0)});
  CHECK(world.run.acknowledged(1, kId, PartitionId(0), Offset(10), 3).empty());
  CHECK(world.run.acknowledged(1, kId, PartitionId(1), Offset(20), 3).empty());
  CHECK(world.run.sent_all(1, {Offset(10), Offset(20)}, 4) ==
        RefreshRun::Acts{act(Kind::kSendReady, 1)});
}

TEST_CASE("refresh run: another version whenever other ones are unfinished, and only then") {
  WithOne world;
  auto& run = world.run;
  auto version = run.unfinished_version();
  const auto has_moved = [&] {
    return std::exchange(version, run.unfinished_version()) != version;
  };
  run.on_reset_ack(1, kId, 1);
  run.began(1, {Offset(0), Offset(0)});
  run.acknowledged(1, kId, PartitionId(0), Offset(5), 1);
  CHECK_FALSE(has_moved());
  run.join(2, "two", false, 2);
  CHECK(has_moved());
  run.leave(2, 3);
  CHECK_FALSE(run.unfinished().empty());
  CHECK(has_moved());
  run.owe("gone", 3);
  CHECK(has_moved());
  run.forget("nobody");
  CHECK_FALSE(has_moved());
  run.forget("gone");
  CHECK(has_moved());
  run.on_ready_ack(1, kId, 4);
  CHECK(has_moved());
  run.abort("enough");
  CHECK(has_moved());
}

TEST_CASE(
    "refresh run: what the replay passes over counts as acknowledged, when all before it is") {
  WithOne world;
  auto& run = world.run;
  run.on_reset_ack(1, kId, 1);
  run.began(1, {Offset(0), Offset(0)});
  run.skips(1, {Offset(4), Offset(0)}, {Offset(2), Offset(20)});
  CHECK(run.sent_all(1, {Offset(10), Offset(20)}, 2).empty());
  run.skips(1, {Offset(4), Offset(20)}, {Offset(6), Offset(20)});
  run.skips(1, {Offset(6), Offset(20)}, {Offset(7), Offset(20)});   // went on at once
  run.skips(1, {Offset(8), Offset(20)}, {Offset(10), Offset(20)});  // 7 was sent
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(4), 3).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(7), 3).empty());
  CHECK(run.acknowledged(1, kId, PartitionId(0), Offset(8), 4) ==
        RefreshRun::Acts{act(Kind::kSendReady, 1)});
}

}  // namespace
}  // namespace xylem::testing
