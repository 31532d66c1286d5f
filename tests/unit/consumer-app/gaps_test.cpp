// What retention outran: a copy of a topic whose records go by age is kept, the gap is counted, and
// the records behind it are applied.
#include "consumer-app/topic_state.h"
#include "tests/support/delivered_batches.h"
#include "tests/unit/consumer-app/daemon.h"

#include <doctest/doctest.h>

#include <optional>

namespace xylem::consumer_app {
namespace {

using network::Gap;
using network::SubscribeAnswer;

constexpr PartitionId kZero{0};

Gap gap(std::int64_t from, std::int64_t to) {
  return {.topic = "t",
          .partition = kZero,
          .incarnation = kFirst,
          .from = Offset(from),
          .to = Offset(to)};
}

SubscribeAnswer answer(std::int64_t cursor, std::int64_t log_start, std::int64_t high_watermark) {
  return {.topic = "t",
          .incarnation = kFirst,
          .partitions = {{.partition = kZero,
                          .cursor = Offset(cursor),
                          .log_start = Offset(log_start),
                          .high_watermark = Offset(high_watermark)}}};
}

// A topic whose current copy holds [0, 10) of kFirst.
TopicState holding_ten(bool is_whole = true) {
  CopyState current;
  current.incarnation = kFirst;
  current.whole = is_whole;
  current.cursors = {{kZero, Offset(10)}};
  return {"t", {.current = current, .shadow = {}}};
}

TEST_CASE("gaps: the copy stays, the cursor moves, and it is counted") {
  auto topic = holding_ten();
  CHECK(topic.on_subscribed(answer(10, 50, 60)).changes.empty());
  const auto told = topic.on_gap(gap(10, 50));
  CHECK(told.changes.empty());
  CHECK_FALSE(told.resubscribe);
  CHECK(topic.is_whole());
  CHECK_FALSE(topic.is_rebuilding());
  CHECK(topic.cursor(kZero)->offset == Offset(50));
  CHECK(topic.skipped_to(kZero) == Offset(50));
  CHECK(topic.lag() == 10);
  CHECK(topic.gaps().count == 1);
  CHECK(topic.gaps().records == 40);
}

// The log ends at 10 as nothing behind the gap came yet.
TEST_CASE("gaps: a subscription behind one is no lost history, one further on is") {
  auto topic = holding_ten();
  REQUIRE(topic.on_subscribed(answer(10, 50, 60)).changes.empty());
  REQUIRE(topic.on_gap(gap(10, 50)).changes.empty());
  CHECK(topic.on_subscribed(answer(50, 50, 60), {{kZero, Offset(10)}}).changes.empty());
  CHECK(topic.on_subscribed(answer(55, 50, 60), {{kZero, Offset(10)}}).resubscribe);
  CHECK(topic.skipped_to(kZero) == Offset(0));
}

TEST_CASE("gaps: one that takes all there is makes a copy whole") {
  auto topic = holding_ten(false);
  REQUIRE(topic.on_subscribed(answer(10, 10, 60)).changes.empty());
  const auto told = topic.on_gap(gap(10, 60));
  REQUIRE(told.changes.size() == 1);
  CHECK(std::holds_alternative<MarkWhole>(told.changes.front()));
}

TEST_CASE("gaps: of another incarnation, or while a subscription is waited for, one is none") {
  auto topic = holding_ten();
  auto other = gap(10, 50);
  other.incarnation = kSecond;
  CHECK(topic.on_gap(other).changes.empty());
  CHECK(topic.gaps().count == 0);
  REQUIRE(topic.on_subscribed(answer(20, 20, 60)).resubscribe);
  CHECK(topic.on_gap(gap(20, 30)).changes.empty());
  CHECK(topic.gaps().count == 0);
}

TEST_CASE("gaps: the daemon keeps what it has, and goes on behind") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"a", "b"});
  std::optional<std::uint64_t> told;
  testing::FakeBroker::Peer* peer = nullptr;
  broker.hook = [&](testing::FakeBroker::Peer& who, const network::Frame& frame) {
    if (frame.type == network::FrameType::kSubscribe) {
      told = frame.id;
      peer = &who;
    }
    return false;
  };
  daemon.start();
  REQUIRE(daemon.until_value("k-b", "b"));
  const auto history = broker.topics.at("t").incarnation;
  peer->answer(network::FrameType::kGap, *told,
               Gap{.topic = "t",
                   .partition = kZero,
                   .incarnation = history,
                   .from = Offset(2),
                   .to = Offset(90)});
  const auto& state = *daemon.stream->topic("t");
  REQUIRE(daemon.world.until([&] { return state.gaps().count == 1; }));
  CHECK(daemon.metrics.text().contains("xylem_delivery_gap_records_total 88"));
  broker.topics.at("t").partitions[0].end = Offset(90);
  broker.append("t", 0, {"c"});
  REQUIRE(daemon.until_value("k-c", "c"));
  CHECK(daemon.value("k-a") == "a");
  CHECK(daemon.current().cursors == Cursors{{kZero, Offset(91)}});
  CHECK(daemon.log->find({history, kZero})->end_offset() == Offset(91));
  daemon.stop();
  daemon.start();
  REQUIRE(daemon.world.until([&] { return broker.subscribes.size() >= 2; }));
  CHECK(broker.subscribes.back().partitions[0].offset == Offset(91));
  CHECK(broker.subscribes.back().partitions[0].takes_gaps == network::TakesGaps::kUnlessCompacted);
  CHECK(daemon.current().records == 3);
}

}  // namespace
}  // namespace xylem::consumer_app
