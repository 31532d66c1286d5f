// What a consumer does where the broker counts deliveries: it acknowledges record by record, and
// tells what its handler could not do.
#include "network/client/consumer.h"
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

using testing::ClientWorld;
using Peer = testing::FakeBroker::Peer;
using Values = std::vector<std::string>;

struct Counted : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  Values tried;
  std::vector<Error> errors;
  std::vector<DeliveryFailure> failures;
  std::uint32_t dead_letter_after = 3;
  bool answers = true;  // to failures
  std::optional<Errc> refuses;
  std::vector<Offset> acknowledged_before;  // at each try, by position acknowledgements
  std::optional<Consumer> consumer;

  Counted() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.group = "g";
    options.shares = false;
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    options.retry_schedule = {.first_ms = 1, .max_ms = 4, .doubling_tries = 2};
    first.add_topic("t", 1).dead_letter_after = dead_letter_after;
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) {
      return take(record);
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
    first.hook = [this](Peer& peer, const Frame& frame) {
      if (frame.type != FrameType::kDeliveryFailure) return false;
      judge(peer, frame);
      return true;
    };
  }

  Status take(const RecordView& record) {
    const auto value = text_of(record.value.value());
    tried.emplace_back(value);
    acknowledged_before.push_back(first.acks.empty() ? Offset() : first.acks.back().next_offset);
    if (value == "bad") return fail(Errc::kIo, "no such article");
    return {};
  }

  void judge(Peer& peer, const Frame& frame) {
    failures.push_back(*decode<DeliveryFailure>(frame.payload.bytes));
    if (refuses) return peer.refuse(frame.id, *refuses);
    if (!answers) return;
    const auto count = static_cast<std::uint32_t>(failures.size());
    peer.answer(
        frame.type, frame.id,
        DeliveryFailureAnswer{.deliveries = count, .is_dead_lettered = count >= dead_letter_after});
  }

  void start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
  }

  bool tries(const Values& expected) {
    return until([&] { return tried.size() >= expected.size(); }) && tried == expected;
  }
};

TEST_CASE("delivery failures: each record is acknowledged before the next one is handed over") {
  Counted world;
  world.first.append("t", 0, {"a", "b", "c"});
  world.start();
  REQUIRE(world.tries({"a", "b", "c"}));
  CHECK(world.acknowledged_before == std::vector<Offset>{Offset(0), Offset(1), Offset(2)});
  REQUIRE(world.until([&] { return world.first.acks.size() == 4; }));
  for (std::size_t i = 0; i < 3; ++i) CHECK(world.first.acks[i].credit_bytes == 0);
  CHECK(world.first.acks[3].credit_bytes > 0);
  CHECK(world.first.acks[3].next_offset == Offset(3));
}

TEST_CASE("delivery failures: told each time, tried again, and left behind as a dead letter") {
  Counted world;
  world.first.append("t", 0, {"a", "bad", "c"});
  world.start();
  REQUIRE(world.tries({"a", "bad", "bad", "bad", "c"}));
  REQUIRE(world.failures.size() == 3);
  const auto& failure = world.failures.front();
  CHECK(failure.group == "g");
  CHECK(failure.topic == "t");
  CHECK(failure.partition == PartitionId(0));
  CHECK(failure.offset == Offset(1));
  CHECK(failure.incarnation == world.first.topics.at("t").incarnation);
  CHECK(failure.reason.find("no such article") != std::string::npos);
  CHECK(world.acknowledged_before.back() == Offset(2));  // also that it is behind the dead letter
  CHECK(world.errors.size() == 3);
}

TEST_CASE("delivery failures: a long reason is cut to what the broker takes") {
  Counted world;
  world.handlers.message = [](const DeliveredBatch&, const RecordView&) -> Status {
    return fail(Errc::kIo, std::string(5'000, 'x'));
  };
  world.first.append("t", 0, {"a"});
  world.start();
  REQUIRE(world.until([&] { return !world.failures.empty(); }));
  CHECK(world.failures.front().reason.size() == kFailureReasonBytesMax);
}

TEST_CASE("delivery failures: PAUSE_ON_ERROR tells and pauses; a dead letter is left behind") {
  Counted world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.dead_letter_after = 2;
  world.first.append("t", 0, {"bad", "c"});
  world.start();
  REQUIRE(world.until([&] { return world.failures.size() == 1; }));
  world.turn();
  CHECK(world.tried == Values{"bad"});
  world.consumer->resume();
  REQUIRE(world.until([&] { return world.failures.size() == 2; }));
  world.turn();
  CHECK(world.tried == Values{"bad", "bad"});
  world.consumer->resume();
  CHECK(world.tries({"bad", "bad", "c"}));
}

TEST_CASE("delivery failures: SKIP_ON_ERROR skips and tells nobody") {
  Counted world;
  world.options.retry = RetryPolicy::kSkipOnError;
  world.first.append("t", 0, {"bad", "b", "bad", "c"});
  world.start();
  REQUIRE(world.tries({"bad", "b", "bad", "c"}));
  CHECK(world.failures.empty());
  CHECK(world.acknowledged_before[1] == Offset(1));
}

TEST_CASE("delivery failures: what the broker does not count is reported, and tried again") {
  Counted world;
  world.refuses = Errc::kDiskFull;
  world.first.append("t", 0, {"bad"});
  world.start();
  REQUIRE(world.until([&] { return world.failures.size() >= 3; }));
  CHECK(std::ranges::count(world.errors, Errc::kDiskFull, &Error::code) >= 2);
}

TEST_CASE("delivery failures: nothing is tried again while the broker judges; a loss begins anew") {
  Counted world;
  world.answers = false;
  world.first.append("t", 0, {"bad", "c"});
  world.start();
  REQUIRE(world.until([&] { return world.failures.size() == 1; }));
  world.turn();
  CHECK(world.tried == Values{"bad"});
  world.answers = true;
  world.first.peers.back().connection->close();
  CHECK(world.tries({"bad", "bad", "bad", "c"}));
  CHECK(world.failures.size() == 3);
}

TEST_CASE("delivery failures: who cannot be counted does not ask for it") {
  Counted world;
  SUBCASE("no group") { world.options.group.clear(); }
  SUBCASE("committed before the handler") {
    world.options.commit = Consumer::Commit::kBeforeHandler;
  }
  SUBCASE("own cursors") { world.options.commit = Consumer::Commit::kOwnCursors; }
  SUBCASE("whole batches") {
    world.handlers.batch = [&](const DeliveredBatch&) -> Status {
      world.tried.emplace_back("batch");
      return {};
    };
    world.handlers.message = nullptr;
  }
  world.first.append("t", 0, {"a"});
  world.start();
  REQUIRE(world.until([&] { return !world.tried.empty(); }));
  CHECK_FALSE(world.first.subscribes.back().counts_deliveries);
  CHECK(world.failures.empty());
}

TEST_CASE("delivery failures: manual commits are told as well") {
  Counted world;
  world.options.commit = Consumer::Commit::kManual;
  world.dead_letter_after = 2;
  world.first.append("t", 0, {"bad", "c"});
  world.start();
  CHECK(world.tries({"bad", "bad", "c"}));
}

TEST_CASE(
    "delivery failures: on a topic that counts nothing records come many in a turn, as ever") {
  Counted world;
  world.first.topics.at("t").dead_letter_after = 0;
  world.first.append("t", 0, {"a", "b"});
  world.start();
  REQUIRE(world.tries({"a", "b"}));
  REQUIRE(world.until([&] { return !world.first.acks.empty(); }));
  world.turn();
  CHECK(world.first.acks.size() == 1);
}

TEST_CASE("delivery failures: who leaves says so, and did not fail") {
  Counted world;
  world.first.append("t", 0, {"a"});
  world.start();
  REQUIRE(world.tries({"a"}));
  world.consumer.reset();
  CHECK(world.until([&] { return world.first.count(FrameType::kDisconnect) > 0; }));
}

}  // namespace
}  // namespace xylem::network
