// Who subscribes anew, on another connection, while the old one still counts as alive.
#include "broker/delivery/takeover.h"

#include "tests/unit/broker/delivery/raw_consumer.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace xylem::testing {
namespace {

using network::Subscribe;

Subscribe of_partition(Subscribe subscribe, std::int32_t partition) {
  subscribe.every.reset();
  subscribe.partitions = {{.partition = PartitionId(partition)}};
  return subscribe;
}

TEST_CASE("takeover: a consumer that comes back over another connection is pushed to there alone") {
  CountingWorld world(1);
  world.append(2);
  Subscribe subscribe = RawConsumer::whole("g", "m");
  SUBCASE("in a group") {}
  SUBCASE("without one") { subscribe = RawConsumer::whole("", "m"); }
  RawConsumer older(world, subscribe);
  REQUIRE(older.is_given(2));
  RawConsumer newer(world, subscribe);
  REQUIRE(newer.is_given(2));
  REQUIRE(older.is_told(Errc::kCancelled));
  world.append(1);
  REQUIRE(newer.is_given(3));
  CHECK(older.given.size() == 2);
  older.die();
  CHECK(world.counts->empty());  // nothing that it had in hand has failed
  CHECK(newer.errors.empty());
}

TEST_CASE("takeover: the newest has the instance, the older one is told") {
  CountingWorld world(1);
  world.append(2);
  RawConsumer older(world, RawConsumer::whole("g", "m-1", "i"));
  REQUIRE(older.is_given(2));
  RawConsumer newer(world, RawConsumer::whole("g", "m-2", "i"));
  REQUIRE(older.is_told(Errc::kUnknownMember));
  CHECK_FALSE(older.errors.front().hint().empty());
  older.die();
  CHECK(world.counts->empty());
  world.append(1);
  REQUIRE(newer.is_given(3));
}

TEST_CASE("takeover: not from a member that has the instance by the group's books") {
  CountingWorld world;
  world.join("g", "m-1", "i");
  RawConsumer first(world, RawConsumer::whole("g", "m-1", "i"));
  RawConsumer stranger(world, RawConsumer::whole("g", "m-2", "i"));
  world.append(1);
  REQUIRE(first.is_given(1));
  REQUIRE(stranger.is_given(1));
  CHECK(first.errors.empty());
  world.join("g", "m-3", "i");  // it has the place now
  RawConsumer successor(world, RawConsumer::whole("g", "m-3", "i"));
  CHECK(first.is_told(Errc::kUnknownMember));
  CHECK(stranger.is_told(Errc::kUnknownMember));
}

TEST_CASE("takeover: who has no name, or another one, or another part, goes on") {
  CountingWorld world(1, 2);
  std::vector<Subscribe> both;
  SUBCASE("no names") { both = {RawConsumer::whole("", ""), RawConsumer::whole("", "")}; }
  SUBCASE("no names in a group") {
    both = {RawConsumer::whole("g", ""), RawConsumer::whole("g", "")};
  }
  SUBCASE("other members") { both = {RawConsumer::whole("g", "a"), RawConsumer::whole("g", "b")}; }
  SUBCASE("other instances") {
    both = {RawConsumer::whole("g", "a", "i"), RawConsumer::whole("g", "b", "j")};
  }
  SUBCASE("other groups") { both = {RawConsumer::whole("g", "a"), RawConsumer::whole("h", "a")}; }
  SUBCASE("an instance without a group") {
    both = {RawConsumer::whole("", "a", "i"), RawConsumer::whole("", "b", "i")};
  }
  SUBCASE("other partitions") {
    both = {of_partition(RawConsumer::whole("g", "a"), 0),
            of_partition(RawConsumer::whole("g", "a"), 1)};
  }
  RawConsumer first(world, both[0]);
  RawConsumer second(world, both[1]);
  world.append(1, 0);
  world.append(1, 1);
  REQUIRE(first.is_given(1));
  REQUIRE(second.is_given(1));
  CHECK(first.errors.empty());
  CHECK(second.errors.empty());
}

TEST_CASE("takeover: a refresh goes on with who came back, and counts it once") {
  CountingWorld world;
  world.append(1);
  const auto subscribe = RawConsumer::whole("", "m");
  RawConsumer older(world, subscribe);
  std::optional<Result<broker::RefreshStatus>> started;  // not before state.db was read
  REQUIRE(run_until(world.loop, [&] {
    started = world.refreshes->start("t", "test", std::nullopt);
    return started->has_value() || started->error().code() != Errc::kUnavailable;
  }));
  REQUIRE(*started);
  const auto id = (*started)->id;
  REQUIRE(world.refreshes->find(id)->consumers == 1);
  RawConsumer newer(world, subscribe);
  REQUIRE(older.is_told(Errc::kCancelled));
  const auto status = world.refreshes->find(id);
  CHECK(status->consumers == 1);
  CHECK(status->owed == 0);
}

}  // namespace
}  // namespace xylem::testing
