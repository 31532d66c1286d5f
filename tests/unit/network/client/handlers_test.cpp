// What becomes of a handler's failure, by each policy: record by record, by batch, and in a replay.
#include "network/client/consumer.h"
#include "network/client/delivered_records.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

using testing::batch_of;
using testing::ClientWorld;
using Peer = testing::FakeBroker::Peer;
using Values = std::vector<std::string>;

constexpr std::uint64_t kNeverMs = 600'000;

// Collects what its handlers are given; they fail for "bad" as long as `failures` are left.
struct Handling : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  Values values;
  std::vector<Error> errors;
  std::vector<Refresh> resets;
  std::vector<Refresh> readies;
  int failures = 0;
  int tries = 0;  // of "bad"
  std::uint64_t subscription = 0;
  std::optional<Consumer> consumer;

  Handling() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    options.retry_schedule = {.first_ms = 1, .max_ms = kNeverMs, .doubling_tries = 2};
    first.add_topic("t", 1);
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) {
      return take(record);
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
    handlers.reset = [this](const Refresh& reset) {
      resets.push_back(reset);
      consumer->acknowledge(FrameType::kResetAck, reset);
    };
    handlers.ready = [this](const Refresh& ready) {
      readies.push_back(ready);
      consumer->acknowledge(FrameType::kReadyAck, ready);
    };
    first.hook = [this](Peer&, const Frame& frame) {
      if (frame.type == FrameType::kSubscribe) subscription = frame.id;
      return false;
    };
  }

  Status take(const RecordView& record) {
    const auto value = text_of(record.value.value());
    tries += value == "bad" ? 1 : 0;
    if (value == "bad" && failures-- > 0) return fail(Errc::kIo, "no");
    values.emplace_back(value);
    return {};
  }

  // A batch is taken as a whole: nothing of one that fails is kept.
  void by_batch() {
    handlers.message = nullptr;
    handlers.batch = [this](const DeliveredBatch& batch) {
      const auto before = values.size();
      auto taken = each_record(batch, [this](const RecordView& record) { return take(record); });
      if (!taken) values.resize(before);
      return taken;
    };
  }

  Consumer& start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    REQUIRE(until([this] { return subscription != 0; }));
    return *consumer;
  }

  bool receives(const Values& expected) {
    return until([&] { return values.size() >= expected.size(); }) && values == expected;
  }

  void tell(FrameType type, std::uint64_t refresh_id, std::vector<Offset> barrier = {}) {
    first.peers.back().answer(type, subscription,
                              Refresh{.topic = "t",
                                      .refresh_id = refresh_id,
                                      .incarnation = first.topics.at("t").incarnation,
                                      .barrier = std::move(barrier)});
  }

  void replay(std::uint64_t refresh_id, const Values& texts) {
    first.send_batch(first.peers.back(), subscription, {"t", PartitionId(0)},
                     batch_of(texts, Offset(0)), refresh_id);
  }
};

TEST_CASE("handlers: after its doubling tries a failure waits for the longest delay") {
  Handling world;
  world.failures = 100;
  world.first.append("t", 0, {"bad"});
  world.start();
  REQUIRE(world.until([&] { return world.tries == 3; }));  // at once, after 1 ms, after 2 ms
  world.turn(50);
  CHECK(world.tries == 3);
}

TEST_CASE("handlers: a success makes the delays begin anew") {
  Handling world;
  world.first.append("t", 0, {"bad", "b", "bad"});
  SUBCASE("record by record") {}
  SUBCASE("by batch") {
    world.by_batch();
    world.first.append("t", 0, {"bad"});
  }
  world.failures = 2;
  world.start();
  REQUIRE(world.until([&] { return !world.values.empty(); }));
  const auto taken = world.values.size();
  world.failures = 2;
  world.first.append("t", 0, {"bad"});
  REQUIRE(world.until([&] { return world.failures < 0; }));
  REQUIRE(world.until([&] { return world.values.size() > taken; }));
}

TEST_CASE("handlers: a batch that fails is given again as it was, and nothing overtakes it") {
  Handling world;
  world.by_batch();
  world.failures = 2;
  world.first.append("t", 0, {"a", "bad"});
  world.first.append("t", 0, {"c"});
  world.start();
  CHECK(world.receives({"a", "bad", "c"}));
  CHECK(world.errors.size() == 2);
}

TEST_CASE("handlers: SKIP_ON_ERROR leaves a failed batch out, and tells where it was") {
  Handling world;
  world.options.retry = RetryPolicy::kSkipOnError;
  world.by_batch();
  world.failures = 100;
  world.first.append("t", 0, {"a"});
  world.first.append("t", 0, {"b", "bad"});
  world.first.append("t", 0, {"c"});
  world.start();
  CHECK(world.receives({"a", "c"}));
  REQUIRE(world.errors.size() == 1);
  CHECK(world.errors[0].code() == Errc::kIo);
  CHECK(world.errors[0].what() == "t/0 at 1: no");
  REQUIRE(world.until([&] {
    return !world.first.acks.empty() && world.first.acks.back().next_offset == Offset(4);
  }));
}

TEST_CASE("handlers: PAUSE_ON_ERROR holds a batch back until resume, and acknowledges nothing") {
  Handling world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.by_batch();
  world.failures = 2;
  world.first.append("t", 0, {"bad"});
  world.first.append("t", 0, {"b"});
  auto& consumer = world.start();
  for (const int tries : {1, 2}) {
    REQUIRE(world.until([&] { return world.tries == tries; }));
    world.turn();
    CHECK(world.tries == tries);
    CHECK(world.values.empty());
    CHECK(world.first.acks.empty());
    consumer.resume();
  }
  CHECK(world.receives({"bad", "b"}));
}

TEST_CASE("handlers: PAUSE_ON_ERROR holds over a lost connection, which is told") {
  Handling world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.failures = 1;
  world.first.append("t", 0, {"a", "bad", "c"});
  auto& consumer = world.start();
  REQUIRE(world.until([&] { return world.tries == 1; }));
  world.first.peers.front().connection->close();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  world.turn();
  CHECK(world.tries == 1);
  CHECK(std::ranges::any_of(world.errors,
                            [](const Error& why) { return why.code() == Errc::kUnavailable; }));
  consumer.resume();
  CHECK(world.receives({"a", "bad", "c"}));
}

TEST_CASE("handlers: what waits to be tried again comes from the next connection, once") {
  Handling world;
  world.options.retry_schedule = {.first_ms = kNeverMs, .max_ms = kNeverMs, .doubling_tries = 1};
  world.failures = 1;
  world.first.append("t", 0, {"a", "bad", "c"});
  world.start();
  REQUIRE(world.until([&] { return world.tries == 1; }));
  world.first.peers.front().connection->close();
  CHECK(world.receives({"a", "bad", "c"}));
  world.turn();
  CHECK(world.values.size() == 3);
}

TEST_CASE("handlers: resume from the error handler is too early, posted it is not") {
  Handling world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.failures = 1;
  bool is_posted = false;
  SUBCASE("in it") {}
  SUBCASE("posted") { is_posted = true; }
  world.handlers.error = [&](const Error&) {
    if (!is_posted) return world.consumer->resume();
    REQUIRE(world.loop.post([&] { world.consumer->resume(); }));
  };
  world.first.append("t", 0, {"bad"});
  world.start();
  const int expected = is_posted ? 2 : 1;
  REQUIRE(world.until([&] { return world.tries >= expected; }));
  world.turn();
  CHECK(world.tries == expected);
}

TEST_CASE("handlers: no error handler is needed, and of both others the batch's is called") {
  Handling world;
  world.options.retry = RetryPolicy::kSkipOnError;
  const auto message = world.handlers.message;
  world.by_batch();
  world.handlers.message = [](const DeliveredBatch&, const RecordView&) -> Status {
    FAIL("called");
    return {};
  };
  world.handlers.error = nullptr;
  world.failures = 1;
  world.first.append("t", 0, {"bad"});
  world.first.append("t", 0, {"b"});
  world.start();
  CHECK(world.receives({"b"}));
}

TEST_CASE("handlers: in a replay, SKIP_ON_ERROR goes on to READY") {
  Handling world;
  world.options.retry = RetryPolicy::kSkipOnError;
  world.failures = 100;
  world.start();
  world.tell(FrameType::kReset, 7);
  REQUIRE(world.until([&] { return world.resets.size() == 1; }));
  world.replay(7, {"a", "bad", "c"});
  world.tell(FrameType::kReady, 7, {Offset(3)});
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  CHECK(world.values == Values{"a", "c"});
  CHECK(world.errors.size() == 1);
}

TEST_CASE("handlers: in a replay, READY waits until what failed is handled") {
  Handling world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.failures = 1;
  auto& consumer = world.start();
  world.tell(FrameType::kReset, 7);
  world.replay(7, {"a", "bad", "c"});
  world.tell(FrameType::kReady, 7, {Offset(3)});
  REQUIRE(world.until([&] { return world.tries == 1; }));
  world.turn();
  CHECK(world.readies.empty());
  consumer.resume();
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  CHECK(world.values == Values{"a", "bad", "c"});
}

TEST_CASE("handlers: a newer RESET is told, and nothing more of the older one comes") {
  Handling world;
  world.start();
  world.tell(FrameType::kReset, 7);
  world.replay(7, {"a"});
  CHECK(world.receives({"a"}));
  world.tell(FrameType::kReset, 8);
  world.replay(7, {"a", "stale"});
  world.tell(FrameType::kReady, 7, {Offset(2)});
  world.replay(8, {"x"});
  CHECK(world.receives({"a", "x"}));
  CHECK(world.readies.empty());
  world.tell(FrameType::kReady, 8, {Offset(1)});
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  REQUIRE(world.resets.size() == 2);
  CHECK(world.resets[1].refresh_id == 8);
  CHECK(world.readies[0].refresh_id == 8);
}

TEST_CASE("delivered records: from the cursor on, over batches, until the caller stops") {
  auto bytes = batch_of({"a", "b", "c"}, Offset(0));
  append(emptied(*check_batch(batch_of({"gone"}, Offset(3)))), bytes);
  append(batch_of({"d", "e"}, Offset(10)), bytes);
  DeliveredBatch batch{};
  batch.first_offset = Offset(1);
  batch.batches = Slice{nullptr, bytes};
  Values values;
  const auto keep = [&](const RecordView& record) -> Status {
    if (text_of(*record.value) == "e") return fail(Errc::kCancelled, "enough");
    values.emplace_back(text_of(*record.value));
    return {};
  };
  const auto walked = each_record(batch, keep);
  REQUIRE_FALSE(walked);
  CHECK(walked.error().code() == Errc::kCancelled);
  CHECK(values == Values{"b", "c", "d"});
  batch.batches.bytes = Bytes(bytes).first(bytes.size() - 1);
  CHECK_FALSE(each_record(batch, keep));
}

}  // namespace
}  // namespace xylem::network
