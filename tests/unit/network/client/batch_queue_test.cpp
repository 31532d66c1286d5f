#include "network/client/batch_queue.h"

#include "common/batch/due_time.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace xylem::network {
namespace {

constexpr auto kSequenceMax = std::numeric_limits<std::int32_t>::max();
constexpr auto kEpochMax = std::numeric_limits<std::int16_t>::max();

// Each record is a batch of its own.
struct Queue {
  explicit Queue(const BatchProducer& producer)
      : queue({.batch_bytes = 1,
               .in_flight_max = 5,
               .compression = Compression::kNone,
               .producer = producer}) {}

  void give(int count) {
    for (int i = 0; i < count; ++i) {
      Promise promise;
      REQUIRE(queue.append({.key = std::nullopt, .value = "v"}, promise, 0));
    }
  }

  BatchHeader send() {
    auto* batch = queue.next_to_send();
    REQUIRE(batch != nullptr);
    last_sent = batch->number;
    return *check_batch(batch->bytes.bytes);
  }

  BatchQueue queue;
  std::uint64_t last_sent = 0;
};

TEST_CASE("batch queue: a delayed batch says when the earliest of it is due") {
  BatchQueue queue({.batch_bytes = 10'000,
                    .in_flight_max = 5,
                    .compression = Compression::kNone,
                    .is_delayed = true});
  const auto give = [&](std::int64_t due_ms) {
    Record record{.key = std::nullopt, .value = "v"};
    set_due_at(record, due_ms);
    Promise promise;
    REQUIRE(queue.append(record, promise, 0));
  };
  give(30);
  give(20);
  give(40);
  queue.seal();
  give(50);
  queue.seal();
  CHECK(queue.next_to_send()->due_at_ms == 20);
  CHECK(queue.next_to_send()->due_at_ms == 50);
}

TEST_CASE("batch queue: after the highest sequence comes 0") {
  Queue it({.id = 7, .epoch = 0, .sequence = kSequenceMax - 1});
  it.give(3);
  CHECK(it.send().base_sequence == kSequenceMax - 1);
  CHECK(it.send().base_sequence == kSequenceMax);
  CHECK(it.send().base_sequence == 0);
}

TEST_CASE("batch queue: after the highest epoch comes another id") {
  Queue it({.id = std::numeric_limits<std::int64_t>::max(), .epoch = kEpochMax, .sequence = 0});
  it.give(2);
  CHECK(it.send().producer_epoch == kEpochMax);
  it.queue.settle(it.last_sent, fail(Errc::kTimeout, "given up"));
  const auto next = it.send();
  CHECK(next.producer_id == 0);
  CHECK(next.producer_epoch == 0);
  CHECK(next.base_sequence == 0);
}

TEST_CASE("batch queue: a batch that is given up unsent leaves a hole, too") {
  Queue it({.id = 7, .epoch = 0, .sequence = 0});
  it.give(2);
  it.queue.expire(0, "nobody leads");
  it.give(1);
  const auto next = it.send();
  CHECK(next.producer_epoch == 1);
  CHECK(next.base_sequence == 0);
}

TEST_CASE("batch queue: nothing is sent while something behind it is in flight") {
  Queue it({});
  it.give(3);
  it.send();
  const auto first = it.last_sent;
  it.send();
  const auto second = it.last_sent;
  it.queue.send_again(first, Error(Errc::kIo, "no"));
  CHECK_FALSE(it.queue.can_send());
  it.queue.settle(second, Producer::Delivered{});
  it.send();
  CHECK(it.last_sent == first);
  it.send();
  CHECK(it.last_sent == second + 1);
}

TEST_CASE("batch queue: a sequence that is refused") {
  Queue it({.id = 7, .epoch = 0, .sequence = 0});
  it.give(3);
  it.send();
  const auto first = it.last_sent;
  it.send();
  const auto second = it.last_sent;
  const Error refused(Errc::kOutOfOrderSequence, "no");
  SUBCASE("behind one that failed: keeps its number") {
    it.queue.send_again(first, Error(Errc::kIo, "no"));
    it.queue.refuse_sequence(second, refused);
    CHECK(it.send().base_sequence == 0);
    const auto again = it.send();
    CHECK(again.base_sequence == 1);
    CHECK(again.producer_epoch == 0);
  }
  SUBCASE("that was never sent before: all go in the next epoch") {
    it.queue.refuse_sequence(first, refused);
    it.queue.refuse_sequence(second, refused);
    for (int i = 0; i < 3; ++i) {
      const auto again = it.send();
      CHECK(again.base_sequence == i);
      CHECK(again.producer_epoch == 1);
    }
  }
  SUBCASE("behind one that is known not to be stored: neither is it") {
    it.queue.refuse_sequence(first, refused);
    it.queue.send_again(second, Error(Errc::kUnavailable, "connection lost"));
    CHECK(it.send().base_sequence == 1);  // its fate is asked for
    CHECK(it.last_sent == second);
    it.queue.refuse_sequence(second, refused);
    CHECK_FALSE(it.queue.has_settled());
    CHECK(it.send().producer_epoch == 1);
    CHECK(it.last_sent == first);
  }
  SUBCASE("that may be stored: is an error") {
    it.queue.send_again(first, Error(Errc::kUnavailable, "connection lost"));
    it.queue.send_again(second, Error(Errc::kUnavailable, "connection lost"));
    it.send();
    it.queue.refuse_sequence(first, refused);
    const auto settled = it.queue.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].outcome->error().code() == Errc::kOutOfOrderSequence);
  }
}

}  // namespace
}  // namespace xylem::network
