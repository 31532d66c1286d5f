// Refreshes that a broker begins itself, because its own copy is filled anew.
#include "broker/upstream/feed.h"
#include "tests/support/fake_log.h"
#include "tests/unit/broker/refresh/refresh_world.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::RefreshState;
using pipe::FetchedPartition;
using pipe::FetchState;

// A broker that pulls one topic, by hand.
struct Pulling : RefreshWorld {
  broker::TopicDefinition topic;
  broker::Feed feed;

  explicit Pulling(storage::Cleanup cleanup = storage::Cleanup::kCompact,
                   std::int32_t partition_count = 1)
      : RefreshWorld(kNoEpoch),
        feed(
            {Logger::none(), metrics, *partitions, *topics},
            {},
            {.adopt = [](const ClusterId&) { return Status(); },
             .topology_seen = [](std::uint64_t) {},
             .may_rebuild = [this](const auto& one,
                                   const auto& why) { return refreshes->may_rebuild(one, why); }}) {
    topic.name = "t";
    topic.incarnation = {TopicId::random(random), 0};
    topic.partitions = partition_count;
    topic.cleanup = cleanup;
    topics->put(topic);
    REQUIRE(run_until(loop, [&] {
      return refreshes->start("none", "", std::nullopt).error().code() ==
             Errc::kUnknownTopicOrPartition;
    }));
  }

  [[nodiscard]] broker::Partition& partition(std::int32_t number = 0) const {
    return *partitions->find(topic.log(number));
  }

  // What the parent sends: `values` from `base` on; it has everything below `high_watermark`.
  void pull(const std::vector<std::string>& values,
            Offset base,
            Offset high_watermark,
            std::int32_t number = 0) {
    FetchedPartition fetched{.log = topic.log(number), .high_watermark = high_watermark};
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto batch = batch_of(values[i]);
      assign(batch, base + static_cast<std::int64_t>(i), Epoch(1));
      fetched.batches = {Slice::own(std::move(batch))};
      REQUIRE(feed.store(fetched));
    }
    if (values.empty()) REQUIRE(feed.store(fetched));
    const auto end = base + static_cast<std::int64_t>(values.size());
    REQUIRE(run_until(loop, [&] { return partition(number).high_watermark() >= end; }));
  }

  Status lose(std::int32_t number = 0, FetchState state = FetchState::kOutOfRange) {
    return feed.repair({.log = topic.log(number), .state = state, .offset = Offset(0)});
  }

  // As the pipe does: it asks again.
  void lose_at_last(std::int32_t number = 0) {
    const auto before = lose(number);
    REQUIRE_FALSE(before);
    CHECK(before.error().code() == Errc::kUnavailable);
    CHECK(partition(number).high_watermark() > Offset(0));  // nothing was taken yet
    REQUIRE(run_until(loop, [&] { return lose(number).has_value(); }));
    CHECK(partition(number).high_watermark() == Offset(0));
  }
};

TEST_CASE(
    "refresh causes: the parent's high watermark is the barrier of a copy that is filled anew") {
  Pulling world;
  world.pull({"a", "b"}, Offset(0), Offset(2));
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  world.pull({}, Offset(2), Offset(3));  // there is more to come
  world.lose_at_last();
  REQUIRE(world.refreshes->list().size() == 1);
  const auto id = world.refreshes->list()[0].id;
  CHECK(world.refreshes->list()[0].reason == "the parent no longer had what came next");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  CHECK(world.refreshes->find(id)->barrier == std::vector{Offset(3)});
  world.pull({"A"}, Offset(0), Offset(3));
  REQUIRE(run_until(world.loop, [&] { return keeper.values[id].size() == 1; }));

  // Who subscribes now must not take the part that is here for all.
  CopyKeeper late(world, "t", "late");
  REQUIRE(run_until(world.loop, [&] { return !late.subscribed.empty(); }));
  CHECK(late.subscribed[0].partitions[0].high_watermark == Offset(3));
  CHECK(world.state(id) == RefreshState::kReplaying);
  CHECK(keeper.readies.size() == 1);

  world.pull({"B", "C"}, Offset(1), Offset(3));
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(keeper.values[id] == std::vector<std::string>{"A", "B", "C"});
  CHECK(late.values[id] == std::vector<std::string>{"A", "B", "C"});
  CHECK(keeper.values[0] == std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "refresh causes: several partitions at about the same time are one refresh, later ones "
    "another") {
  Pulling world(storage::Cleanup::kCompact, 2);
  world.pull({"a"}, Offset(0), Offset(1), 0);
  world.pull({"a"}, Offset(0), Offset(1), 1);
  world.lose_at_last(0);
  REQUIRE(world.lose(1));  // it is on disk already
  REQUIRE(world.refreshes->list().size() == 1);
  const auto first = world.refreshes->list()[0].id;
  REQUIRE(run_until(world.loop, [&] { return !world.refreshes->find(first)->barrier.empty(); }));
  world.pull({"b"}, Offset(0), Offset(1), 0);
  world.lose_at_last(0);  // its replay may have begun
  CHECK(world.refreshes->list().size() == 2);
  CHECK(world.state(first) == RefreshState::kAborted);
}

TEST_CASE("refresh causes: topics with retention, and the broker's own, get none") {
  Pulling world(storage::Cleanup::kDelete);
  world.pull({"a"}, Offset(0), Offset(1));
  REQUIRE(world.lose());
  CHECK(world.refreshes->list().empty());
}

TEST_CASE("refresh causes: a history that differs below what was served is one") {
  Pulling world;
  world.pull({"a", "b"}, Offset(0), Offset(2));
  CHECK_FALSE(world.lose(0, FetchState::kDiverged));
  REQUIRE(world.refreshes->list().size() == 1);
  CHECK(world.refreshes->list()[0].reason == "the parent's history differs: cut back");
  REQUIRE(run_until(world.loop, [&] { return world.lose(0, FetchState::kDiverged).has_value(); }));
  CHECK(world.refreshes->list().size() == 1);
}

TEST_CASE("refresh causes: a topic begun anew waits until it is known how much there is") {
  Pulling world;
  world.pull({"a"}, Offset(0), Offset(1));
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  world.topic.incarnation = {TopicId::random(world.random), 0};
  world.topics->put(world.topic);
  REQUIRE(world.refreshes->list().size() == 1);
  const auto id = world.refreshes->list()[0].id;
  CHECK(world.refreshes->list()[0].reason == "the topic was begun anew");
  CHECK_FALSE(world.refreshes->may_subscribe(world.topic));
  world.pull({"A"}, Offset(0), Offset(2));
  CHECK(world.refreshes->may_subscribe(world.topic));
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  CHECK(keeper.resets[0].incarnation == world.topic.incarnation);
  world.pull({"B"}, Offset(1), Offset(2));
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(keeper.values[id] == std::vector<std::string>{"A", "B"});
}

TEST_CASE("refresh causes: a topic that is new is no reason") {
  Pulling world;
  auto other = world.topic;
  other.name = "u";
  other.incarnation = {TopicId::random(world.random), 0};
  world.topics->put(other);
  CHECK(world.refreshes->list().empty());
}

TEST_CASE("refresh causes: started by hand meanwhile, it still waits for what the parent has") {
  Pulling world;
  world.pull({"a", "b"}, Offset(0), Offset(2));
  world.lose_at_last();
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return !world.refreshes->find(id)->barrier.empty(); }));
  CHECK(world.refreshes->find(id)->barrier == std::vector{Offset(2)});
  CHECK_FALSE(is_over(world.state(id)));
  world.pull({"A", "B"}, Offset(0), Offset(2));
  CHECK(world.ends(id, RefreshState::kCompleted));
}

TEST_CASE("refresh causes: a copy that stays behind is not taken for whole, also after a restart") {
  Pulling world;
  broker::Refreshes::Options options;
  options.timing.stalled_ms = 50;
  options.gather_ms = 0;
  options.tick_ms = 5;
  options.ended_max = 0;
  const auto restart = [&] {
    world.restart_refreshes(options);
    REQUIRE(run_until(world.loop, [&] {
      return world.refreshes->start("none", "", std::nullopt).error().code() != Errc::kUnavailable;
    }));
  };
  restart();
  std::optional<RefreshState> on_disk;
  world.refreshes->on_change([&](const auto& refresh) { on_disk = refresh.state; });
  world.pull({"a", "b"}, Offset(0), Offset(3));
  world.lose_at_last();
  REQUIRE(world.refreshes->list().size() == 1);
  const auto id = world.refreshes->list()[0].id;
  REQUIRE(run_until(world.loop, [&] { return on_disk == RefreshState::kAborted; }));
  CHECK(world.refreshes->high_watermark(world.partition()) == Offset(3));
  restart();
  REQUIRE(world.refreshes->list().size() == 1);
  CHECK(world.state(id) == RefreshState::kAborted);
  CHECK(world.refreshes->high_watermark(world.partition()) == Offset(3));

  options.timing.stalled_ms = 600'000;
  restart();
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return !keeper.subscribed.empty(); }));
  CHECK(keeper.subscribed[0].partitions[0].high_watermark == Offset(3));
  world.pull({"A"}, Offset(0), Offset(3));
  const auto newer = world.refreshes->list()[0].id;
  CHECK(newer > id);
  CHECK_FALSE(is_over(world.state(newer)));
  world.pull({"B", "C"}, Offset(1), Offset(3));
  REQUIRE(run_until(world.loop, [&] { return keeper.values[newer].size() == 3; }));
}

}  // namespace
}  // namespace xylem::testing
