#include "consumer-app/topic_state.h"

#include "tests/support/delivered_batches.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

using network::FrameType;
using network::SubscribeAnswer;

constexpr PartitionId kZero{0};
constexpr PartitionId kOne{1};

network::DeliveredBatch batch(std::int64_t first,
                              std::int64_t next,
                              std::uint64_t refresh_id = 0,
                              const Incarnation& incarnation = kFirst) {
  return {.topic = "t",
          .partition = kZero,
          .incarnation = incarnation,
          .first_offset = Offset(first),
          .next_offset = Offset(next),
          .epoch = Epoch(3),
          .refresh_id = refresh_id,
          .high_watermark = Offset(next),
          .batches = {}};
}

SubscribeAnswer answer(std::int64_t cursor,
                       std::int64_t high_watermark,
                       std::int64_t log_start = 0,
                       const Incarnation& incarnation = kFirst) {
  return {.topic = "t",
          .incarnation = incarnation,
          .partitions = {{.partition = kZero,
                          .cursor = Offset(cursor),
                          .log_start = Offset(log_start),
                          .high_watermark = Offset(high_watermark)}}};
}

network::Refresh refresh(std::uint64_t id,
                         std::vector<Offset> barrier = {},
                         const Incarnation& incarnation = kFirst) {
  return {.topic = "t",
          .refresh_id = id,
          .incarnation = incarnation,
          .reason = {},
          .barrier = std::move(barrier)};
}

template <class Kind>
const Kind& only(const Effects& effects) {
  REQUIRE(effects.changes.size() == 1);
  REQUIRE(std::holds_alternative<Kind>(effects.changes.front()));
  return std::get<Kind>(effects.changes.front());
}

// A topic whose current copy holds [0, 10) of kFirst.
TopicState holding_ten() {
  CopyState current;
  current.incarnation = kFirst;
  current.whole = true;
  current.cursors = {{kZero, Offset(10)}};
  return {"t", {.current = current, .shadow = {}}};
}

TEST_CASE("topic: a first copy grows from the start and is whole at the high watermark") {
  TopicState topic("t", {});
  CHECK_FALSE(topic.cursor(kZero));
  CHECK_FALSE(topic.incarnation());
  CHECK(topic.on_subscribed(answer(0, 8)).changes.empty());
  CHECK(topic.lag() == 8);
  CHECK(only<ApplyBatches>(topic.on_batch(batch(0, 5))).copy == Copy::kCurrent);
  CHECK_FALSE(topic.is_whole());
  const auto last = topic.on_batch(batch(5, 8));
  REQUIRE(last.changes.size() == 2);
  CHECK(std::holds_alternative<MarkWhole>(last.changes.back()));
  CHECK(topic.is_whole());
  CHECK(topic.lag() == 0);
  CHECK(topic.cursor(kZero)->offset == Offset(8));
  CHECK(only<ApplyBatches>(topic.on_batch(batch(8, 9))).partition == kZero);
}

TEST_CASE("topic: an empty one is whole at once, also when retention emptied it") {
  for (const std::int64_t start : {0, 50}) {
    TopicState topic("t", {});
    CHECK(only<MarkWhole>(topic.on_subscribed(answer(start, start, start))).incarnation == kFirst);
    CHECK(topic.is_whole());
  }
}

TEST_CASE("topic: every partition has to be there") {
  TopicState topic("t", {});
  auto both = answer(0, 5);
  both.partitions.push_back(
      {.partition = kOne, .cursor = {}, .log_start = {}, .high_watermark = Offset(1)});
  REQUIRE(topic.on_subscribed(both).changes.empty());
  REQUIRE(topic.on_batch(batch(0, 5)).changes.size() == 1);
  CHECK_FALSE(topic.is_whole());
}

TEST_CASE("topic: a restart goes on at its cursor") {
  auto topic = holding_ten();
  CHECK(topic.is_whole());
  CHECK(topic.cursor(kZero)->offset == Offset(10));
  CHECK(topic.cursor(kZero)->incarnation == kFirst);
  CHECK(topic.on_subscribed(answer(10, 12)).changes.empty());
  // A parent that is behind starts below our cursor: what comes again is skipped by the view.
  const auto behind = topic.on_subscribed(answer(0, 7));
  CHECK(behind.changes.empty());
  CHECK_FALSE(behind.resubscribe);
}

TEST_CASE("topic: lost history is rebuilt beside the old copy, from the start") {
  for (const bool other_incarnation : {true, false}) {
    CAPTURE(other_incarnation);
    auto topic = holding_ten();
    const auto& now = other_incarnation ? kSecond : kFirst;
    const std::int64_t start = other_incarnation ? 0 : 20;
    const auto lost = topic.on_subscribed(answer(start, start + 5, start, now));
    CHECK(only<BeginShadow>(lost).incarnation == now);
    CHECK(only<BeginShadow>(lost).refresh_id == 0);
    CHECK(lost.resubscribe);
    CHECK_FALSE(topic.cursor(kZero));

    // What the old subscription still brings belongs to no copy.
    CHECK(topic.on_batch(batch(start, start + 1, 0, now)).dropped);
    CHECK(topic.on_reset(refresh(9)).changes.empty());

    CHECK(topic.on_subscribed(answer(start, start + 5, start, now)).changes.empty());
    CHECK(only<ApplyBatches>(topic.on_batch(batch(start, start + 3, 0, now))).copy ==
          Copy::kShadow);
    CHECK(topic.is_rebuilding());
    CHECK(topic.incarnation() == kFirst);
    const auto last = topic.on_batch(batch(start + 3, start + 5, 0, now));
    REQUIRE(last.changes.size() == 2);
    CHECK(std::get<SwapIn>(last.changes.back()).barrier == Cursors{{kZero, Offset(start + 5)}});
    CHECK(last.swapped);
    CHECK_FALSE(last.resubscribe);
    CHECK(topic.incarnation() == now);
    CHECK_FALSE(topic.is_rebuilding());
    CHECK(only<ApplyBatches>(topic.on_batch(batch(start + 5, start + 6, 0, now))).copy ==
          Copy::kCurrent);
  }
}

TEST_CASE("topic: history that our log has lost, and the broker too, is lost") {
  const TopicCopies copies{
      .current =
          CopyState{.incarnation = kFirst, .whole = true, .cursors = {{kZero, Offset(1'000)}}}};
  TopicState refilled("t", copies);
  CHECK(refilled.on_subscribed(answer(900, 1'000, 900), {{kZero, Offset(900)}}).changes.empty());
  TopicState cut("t", copies);
  const auto effects = cut.on_subscribed(answer(950, 1'000, 950), {{kZero, Offset(900)}});
  CHECK(only<BeginShadow>(effects).refresh_id == 0);
  CHECK(effects.resubscribe);
}

TEST_CASE("topic: our own rebuild goes on after a restart") {
  CopyState shadow;
  shadow.incarnation = kSecond;
  shadow.cursors = {{kZero, Offset(3)}};
  TopicState topic("t", {.current = {}, .shadow = shadow});
  CHECK(topic.on_start().changes.empty());
  CHECK(topic.cursor(kZero)->offset == Offset(3));
  CHECK(topic.on_subscribed(answer(3, 5, 0, kSecond)).changes.empty());
  CHECK(topic.on_batch(batch(3, 5, 0, kSecond)).swapped);
}

TEST_CASE("topic: a broker's half-built shadow does not survive a restart") {
  CopyState shadow;
  shadow.refresh_id = 9;
  TopicState topic("t", {.current = {}, .shadow = shadow});
  (void)only<DiscardShadow>(topic.on_start());
  CHECK(topic.on_batch(batch(0, 5, 9)).dropped);
  CHECK(topic.on_reset(refresh(9)).acknowledge == FrameType::kResetAck);
}

TEST_CASE("topic: a batch of another incarnation starts a rebuild") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(10, 10)).changes.empty());
  const auto other = topic.on_batch(batch(0, 5, 0, kSecond));
  CHECK(only<BeginShadow>(other).incarnation == kSecond);
  CHECK(other.resubscribe);
}

TEST_CASE("topic: a broker's refresh, with live records going on") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(10, 10)).changes.empty());
  const auto reset = topic.on_reset(refresh(9));
  CHECK(only<BeginShadow>(reset).refresh_id == 9);
  CHECK(reset.acknowledge == FrameType::kResetAck);
  CHECK(topic.on_reset(refresh(9)).changes.empty());
  CHECK(topic.on_reset(refresh(9)).acknowledge == FrameType::kResetAck);

  CHECK(only<ApplyBatches>(topic.on_batch(batch(0, 8, 9))).copy == Copy::kShadow);
  CHECK(topic.on_batch(batch(0, 8, 8)).dropped);
  CHECK(topic.cursor(kZero)->offset == Offset(10));  // of the copy in service

  const auto early = topic.on_ready(refresh(9, {Offset(10)}));
  CHECK(early.changes.empty());
  CHECK_FALSE(early.acknowledge);
  REQUIRE(topic.on_batch(batch(8, 10, 9)).changes.size() == 1);
  const auto ready = topic.on_ready(refresh(9, {Offset(10)}));
  CHECK(only<SwapIn>(ready).barrier == Cursors{{kZero, Offset(10)}});
  CHECK(ready.acknowledge == FrameType::kReadyAck);
  CHECK_FALSE(ready.resubscribe);
  CHECK(topic.on_ready(refresh(9, {Offset(10)})).acknowledge == FrameType::kReadyAck);
  CHECK(topic.on_ready(refresh(9, {Offset(10)})).changes.empty());
  CHECK(topic.cursor(kZero)->offset == Offset(10));
}

TEST_CASE("topic: live records past the barrier are asked for again after the swap") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(10, 10)).changes.empty());
  REQUIRE(topic.on_reset(refresh(9)).acknowledge);
  CHECK(only<ApplyBatches>(topic.on_batch(batch(10, 14))).copy == Copy::kCurrent);
  REQUIRE(topic.on_batch(batch(0, 10, 9)).changes.size() == 1);
  const auto ready = topic.on_ready(refresh(9, {Offset(10)}));
  CHECK(ready.swapped);
  CHECK(ready.resubscribe);
  CHECK(topic.cursor(kZero)->offset == Offset(10));
  CHECK(topic.on_batch(batch(14, 15)).dropped);
  REQUIRE(topic.on_subscribed(answer(10, 15)).changes.empty());
  CHECK(only<ApplyBatches>(topic.on_batch(batch(10, 14))).copy == Copy::kCurrent);
}

TEST_CASE("topic: a refresh into another incarnation drops live records that fit no copy") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(10, 10)).changes.empty());
  REQUIRE(topic.on_reset(refresh(9, {}, kSecond)).acknowledge);
  CHECK(topic.on_batch(batch(3, 4, 0, kSecond)).dropped);
  REQUIRE(topic.on_batch(batch(0, 3, 9, kSecond)).changes.size() == 1);
  CHECK(topic.on_ready(refresh(9, {Offset(3)}, kSecond)).resubscribe);  // [3, 4) was dropped
  CHECK(topic.incarnation() == kSecond);
}

TEST_CASE("topic: READY of a fresh subscriber is only acknowledged") {
  TopicState topic("t", {});
  const auto ready = topic.on_ready(refresh(0));
  CHECK(ready.changes.empty());
  CHECK(ready.acknowledge == FrameType::kReadyAck);
}

TEST_CASE("topic: READY of none gives up the refresh that runs, the old copy stays") {
  auto topic = holding_ten();
  topic.on_subscribed(answer(10, 10));
  REQUIRE(topic.on_reset(refresh(9)).acknowledge);
  topic.on_batch(batch(0, 4, 9));
  REQUIRE(topic.is_rebuilding());
  const auto over = topic.on_ready(refresh(0));
  CHECK(over.acknowledge == FrameType::kReadyAck);
  CHECK_FALSE(over.swapped);
  CHECK_FALSE(topic.is_rebuilding());
  only<DiscardShadow>(over);
  CHECK(topic.cursor(kZero)->offset == Offset(10));
  CHECK(topic.on_batch(batch(4, 6, 9)).dropped);
  CHECK(topic.on_reset(refresh(9)).acknowledge == FrameType::kResetAck);  // it may come again
  CHECK(topic.is_rebuilding());
}

TEST_CASE(
    "topic: a broker's refresh in place of our own: the old copy gets no records behind its gap") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(20, 25, 20)).resubscribe);  // ours: [10, 20) is gone
  REQUIRE(topic.on_subscribed(answer(20, 25, 20)).changes.empty());
  REQUIRE(topic.on_reset(refresh(9)).acknowledge);
  CHECK(topic.on_batch(batch(20, 22)).dropped);
  SUBCASE("it ends") {
    REQUIRE(topic.on_batch(batch(20, 25, 9)).changes.size() == 1);
    CHECK(topic.on_ready(refresh(9, {Offset(25)})).swapped);
    CHECK(only<ApplyBatches>(topic.on_batch(batch(25, 26))).copy == Copy::kCurrent);
  }
  SUBCASE("it is given up: ours begins again") {
    const auto over = topic.on_ready(refresh(0));
    CHECK(over.acknowledge == FrameType::kReadyAck);
    CHECK(over.resubscribe);
    CHECK(only<BeginShadow>(over).refresh_id == 0);
    CHECK_FALSE(topic.cursor(kZero));
  }
}

}  // namespace
}  // namespace xylem::consumer_app
