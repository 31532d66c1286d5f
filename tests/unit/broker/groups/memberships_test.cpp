// Members of a group by their frames: joining, being told, letting go, and who may commit.
#include "broker/groups/memberships.h"

#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using network::Frame;
using network::FrameType;
using network::GroupAssignment;
using network::GroupBeat;

// A connection, and the one member that speaks on it.
struct Member {
  Member(BrokerWorld& world, const std::string& name)
      : client(world, [this](const Frame& frame) {
          if (frame.type != FrameType::kAssignment) return;
          pushed = network::decode<GroupAssignment>(frame.payload.bytes).value();
        }) {
    beat = {.group = "g", .member = name, .topics = {"t"}, .assignor = "sticky"};
  }

  Result<GroupAssignment> try_beat() {
    return network::answer_as<GroupAssignment>(FrameType::kAssignment,
                                               client.ask(FrameType::kAssignment, beat));
  }

  // Beats, and acts upon the answer.
  std::size_t go_on() {
    const auto answer = try_beat();
    REQUIRE(answer);
    return act_upon(*answer);
  }

  std::size_t act_upon(const GroupAssignment& assignment) {
    beat.owned = assignment.assigned;
    beat.generation = assignment.generation;
    return count();
  }

  [[nodiscard]] std::size_t count() const {
    return beat.owned.empty() ? 0 : beat.owned[0].partitions.size();
  }

  Status commit(PartitionId partition, const Incarnation& incarnation) {
    return network::expect_type(
        client.ask(FrameType::kCommitOffset, network::CommitOffset{.group = "g",
                                                                   .member = beat.member,
                                                                   .topic = "t",
                                                                   .partition = partition,
                                                                   .incarnation = incarnation,
                                                                   .next_offset = Offset(0)}),
        FrameType::kCommitOffset);
  }

  GroupBeat beat;
  std::optional<GroupAssignment> pushed;
  AskingClient client;
};

TEST_CASE("memberships: two share a topic; who is told what, and who may commit") {
  BrokerWorld world(Epoch(1));
  const auto topic = world.create("t", 4);
  Member a(world, "a");
  CHECK(a.go_on() == 4);
  Member b(world, "b");
  CHECK(b.go_on() == 0);
  REQUIRE(run_until(world.loop, [&] { return a.pushed.has_value(); }));
  CHECK(a.act_upon(*a.pushed) == 2);
  a.go_on();
  REQUIRE(run_until(world.loop, [&] { return b.pushed.has_value(); }));
  CHECK(b.act_upon(*b.pushed) == 2);

  for (const auto partition : b.beat.owned[0].partitions) {
    CHECK(b.commit(partition, topic.incarnation));
    const auto refused = a.commit(partition, topic.incarnation);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kStaleGeneration);
  }
  CHECK(world.memberships->names() == std::vector<std::string>{"g"});

  a.pushed.reset();
  b.beat.leaves = true;
  REQUIRE(b.try_beat());
  REQUIRE(run_until(world.loop, [&] { return a.pushed.has_value(); }));
  CHECK(a.act_upon(*a.pushed) == 4);
}

TEST_CASE("memberships: a connection that ends says nothing; the topic that grows, or goes, does") {
  BrokerWorld world(Epoch(1));
  world.create("t", 2);
  Member a(world, "a");
  a.go_on();
  {
    Member gone(world, "gone");
    gone.go_on();
  }
  REQUIRE(run_until(world.loop, [&] { return a.pushed.has_value(); }));
  CHECK(a.act_upon(*a.pushed) == 1);  // it may come back
  a.pushed.reset();
  world.topics->alter("t", R"({"partitions":6})", [](const auto& altered) { CHECK(altered); });
  REQUIRE(run_until(world.loop, [&] { return a.pushed.has_value(); }));
  CHECK(a.act_upon(*a.pushed) == 3);
  a.pushed.reset();
  world.topics->remove("t", [](const auto& removed) { CHECK(removed); });
  REQUIRE(run_until(world.loop, [&] { return a.pushed.has_value(); }));
  CHECK(a.act_upon(*a.pushed) == 0);
}

TEST_CASE("memberships: what is wrong with a beat is said") {
  BrokerWorld world(Epoch(1));
  world.create("t", 2);
  Member a(world, "a");
  SUBCASE("no such assignor") { a.beat.assignor = "fair"; }
  SUBCASE("no member") { a.beat.member.clear(); }
  SUBCASE("an endless name") { a.beat.instance.assign(201, 'x'); }
  SUBCASE("no group") { a.beat.group = ""; }
  const auto refused = a.try_beat();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("memberships: what no member can have is refused before anything is kept of it") {
  BrokerWorld world(Epoch(1));
  world.create("t", 2);
  Member a(world, "a");
  std::vector<PartitionId> many;
  for (std::int32_t p = 0; p < 1'000'000; ++p) many.emplace_back(p);
  std::string named;
  SUBCASE("a million partitions") {
    a.beat.owned = {{"t", many}};
    named = "1000000 partitions of \"t\"";
  }
  SUBCASE("a number that no partition has") {
    a.beat.owned = {{"t", {PartitionId(0), PartitionId(broker::kPartitionsMax)}}};
    named = "no topic has a partition 10000";
  }
  SUBCASE("a partition twice") {
    a.beat.owned = {{"t", {PartitionId(1), PartitionId(0), PartitionId(1)}}};
    named = "partition 1 of \"t\" twice";
  }
  SUBCASE("a topic twice") {
    a.beat.owned = {{"t", {PartitionId(1)}}, {"t", {PartitionId(1)}}};
    named = "topic \"t\" twice";
  }
  SUBCASE("a name that no topic has") {
    a.beat.owned = {{"t/u", {PartitionId(1)}}};
    named = "t/u";
  }
  SUBCASE("too many topics") {
    for (int i = 0; i < 101; ++i) a.beat.owned.push_back({"t" + std::to_string(i), {}});
    named = "partitions of 101 topics";
  }
  const auto refused = a.try_beat();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
  CHECK(refused.error().what().find(named) != std::string::npos);
  CHECK(world.memberships->names().empty());
}

TEST_CASE("memberships: what a member had of a topic that is gone, or was larger, is left out") {
  BrokerWorld world(Epoch(1));
  world.create("t", 2);
  Member a(world, "a");
  a.beat.owned = {{"gone", {PartitionId(0), PartitionId(7)}},
                  {"t", {PartitionId(1), PartitionId(9'999)}}};
  CHECK(a.go_on() == 2);
  const auto* group = world.memberships->find("g");
  REQUIRE(group != nullptr);
  CHECK_FALSE(group->owns("a", {"t", PartitionId(9'999)}));
  CHECK_FALSE(group->owns("a", {"gone", PartitionId(0)}));
  CHECK(group->owns("a", {"t", PartitionId(1)}));
}

TEST_CASE("memberships: of more topics than a member may want none is taken") {
  BrokerWorld world(Epoch(1));
  Member a(world, "a");
  for (int i = 0; i < 101; ++i) a.beat.topics.push_back("t" + std::to_string(i));
  const auto refused = a.try_beat();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kQuotaExceeded);
}

TEST_CASE("memberships: an instance that is taken over is told so") {
  BrokerWorld world(Epoch(1));
  world.create("t", 2);
  Member old(world, "old");
  old.beat.instance = "till-7";
  CHECK(old.go_on() == 2);
  Member young(world, "young");
  young.beat.instance = "till-7";
  CHECK(young.go_on() == 2);
  const auto refused = old.try_beat();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kUnknownMember);
}

}  // namespace
}  // namespace xylem::testing
