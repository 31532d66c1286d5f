// A target that another broker leads, or this one.
#include "broker/delayed/target_partitions.h"

#include "common/batch/batch_builder.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

namespace xylem::testing {
namespace {

using broker::PartitionTable;
using broker::TargetPartitions;
using broker::TopicDefinition;

Slice numbered(std::int64_t producer, std::int32_t sequence) {
  BatchBuilder builder;
  XYLEM_CHECK(builder.add({.key = "k", .value = "v", .headers = {}}));
  auto built = builder.build({.id = producer, .epoch = 0, .sequence = sequence});
  XYLEM_CHECK(built.has_value());
  return Slice::own(*std::move(built));
}

// Beside a broker that leads, one that has none of its partitions.
class World : public BrokerWorld {
 public:
  explicit World(bool is_led_here = false)
      : elsewhere({loop, clock, Logger::none(), *storage}, {}),
        targets({client_context(), is_led_here ? *partitions : elsewhere,
                 [this](const LogId&) { return leader; }}) {}

  Result<Offset> high_watermark(const TopicDefinition& topic) {
    std::optional<Result<Offset>> answer;
    targets.high_watermark(topic, PartitionId(0), [&](auto done) { answer = std::move(done); });
    REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    return *answer;
  }

  Status append(const TopicDefinition& topic, const Slice& batch, Offset since) {
    std::optional<Status> answer;
    targets.append(topic, PartitionId(0), batch, since,
                   [&](auto done) { answer = std::move(done); });
    REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    return *answer;
  }

  std::string leader = std::string(kAddress);
  PartitionTable elsewhere;
  TargetPartitions targets;
};

TEST_CASE("target partitions: asked and appended to, here and elsewhere") {
  for (const bool is_led_here : {false, true}) {
    CAPTURE(is_led_here);
    World world(is_led_here);
    const auto topic = world.create("t");
    REQUIRE(world.append(topic, numbered(7, 5), Offset(0)));  // unknown, not found: any sequence
    REQUIRE(world.append(topic, numbered(7, 6), Offset(0)));
    REQUIRE(world.append(topic, numbered(7, 5), Offset(0)));  // there already
    CHECK(world.high_watermark(topic) == Offset(2));
    const auto gap = world.append(topic, numbered(7, 9), Offset(0));
    REQUIRE_FALSE(gap);
    CHECK(gap.error().code() == Errc::kOutOfOrderSequence);
    const auto short_log = world.append(topic, numbered(8, 0), Offset(99));
    REQUIRE_FALSE(short_log);
    CHECK(short_log.error().code() == Errc::kOutOfOrderSequence);
    CHECK(world.high_watermark(topic) == Offset(2));
  }
}

TEST_CASE("target partitions: a batch for another incarnation is not stored in this one") {
  World world;
  auto topic = world.create("t");
  topic.incarnation.generation = 1;
  const auto refused = world.append(topic, numbered(7, 0), Offset(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kStaleGeneration);
  const auto unknown = world.high_watermark(topic);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == Errc::kUnavailable);
}

TEST_CASE("target partitions: nobody leads, or nobody is there") {
  World world;
  const auto topic = world.create("t");
  for (const auto* address : {"", "nonsense", "nobody:1"}) {
    CAPTURE(address);
    world.leader = address;
    const auto asked = world.high_watermark(topic);
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code() == Errc::kUnavailable);
    const auto appended = world.append(topic, numbered(7, 0), Offset(0));
    REQUIRE_FALSE(appended);
    CHECK(appended.error().code() == Errc::kUnavailable);
  }
  world.leader = std::string(World::kAddress);
  CHECK(world.append(topic, numbered(7, 0), Offset(0)));
  world.targets.close_idle();
  CHECK(world.append(topic, numbered(7, 0), Offset(0)));
}

}  // namespace
}  // namespace xylem::testing
