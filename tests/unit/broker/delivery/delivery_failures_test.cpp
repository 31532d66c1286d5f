// What the loss of a consumer says of the record that it had in hand.
#include "broker/delivery/delivery_failures.h"

#include "tests/unit/broker/delivery/raw_consumer.h"

#include <doctest/doctest.h>

namespace xylem::testing {
namespace {

constexpr std::uint32_t kSomeCredit = 1;

TEST_CASE("lost consumers: a record that another one has handled meanwhile has not failed") {
  CountingWorld world(1);
  world.append(2);
  RawConsumer lost(world, RawConsumer::whole("g", "m-1"));
  RawConsumer other(world, RawConsumer::whole("g", "m-2"));
  REQUIRE(lost.is_given(2));
  REQUIRE(other.is_given(2));
  const broker::GroupPartition where{"g", "t", PartitionId(0)};
  SUBCASE("all that was in hand") {
    other.acknowledge(world.topic.incarnation, Offset(2), kSomeCredit);
    REQUIRE(run_until(world.loop, [&] { return world.offsets->find(where).has_value(); }));
    lost.die();
    CHECK(world.counts->empty());
    CHECK_FALSE(world.topics->is_local("t.dlq"));
  }
  SUBCASE("not all: the one behind has, if nobody has handled it") {
    lost.acknowledge(world.topic.incarnation, Offset(1), 0);
    other.acknowledge(world.topic.incarnation, Offset(1), kSomeCredit);
    REQUIRE(run_until(world.loop, [&] { return world.offsets->find(where).has_value(); }));
    lost.die();
    REQUIRE(world.count() != nullptr);
    CHECK(world.count()->offset == Offset(1));
  }
}

TEST_CASE("lost consumers: what is another member's now is for that one to handle") {
  CountingWorld world;
  world.append(1);
  RawConsumer former(world, RawConsumer::whole("g", "m-1"));
  RawConsumer owner(world, RawConsumer::whole("g", "m-2"));
  REQUIRE(former.is_given(1));
  REQUIRE(owner.is_given(1));
  world.join("g", "m-2");
  former.die();
  CHECK(world.counts->empty());
  owner.die();
  REQUIRE(world.count() != nullptr);
  CHECK(world.count()->failures == 1);
}

TEST_CASE("lost consumers: what has failed of an earlier record is not forgotten for a later one") {
  CountingWorld world;
  world.append(3);
  auto manual = RawConsumer::whole("g", "m-1");
  manual.auto_commit = false;
  RawConsumer lost(world, manual);
  REQUIRE(lost.is_given(3));
  lost.acknowledge(world.topic.incarnation, Offset(2), 0);
  const broker::GroupPartition where{"g", "t", PartitionId(0)};
  const broker::DeliveryCount failing{
      .offset = Offset(1), .incarnation = world.topic.incarnation, .failures = 3, .reason = "told"};
  world.counts->put(where, failing, [](const Status&) {});
  SUBCASE("as long as the group has not passed it") {
    lost.die();
    REQUIRE(world.count() != nullptr);
    CHECK(*world.count() == failing);
  }
  SUBCASE("then it is") {
    bool is_committed = false;
    world.offsets->commit(where, {Offset(2), world.topic.incarnation},
                          [&](const Status&) { is_committed = true; });
    REQUIRE(run_until(world.loop, [&] { return is_committed; }));
    lost.die();
    REQUIRE(world.count() != nullptr);
    CHECK(world.count()->offset == Offset(2));
    CHECK(world.count()->failures == 1);
  }
}

}  // namespace
}  // namespace xylem::testing
