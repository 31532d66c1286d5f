// What is sent again is stored once and in order; what is given up leaves no hole behind.
#include "network/client/producer.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;
using Values = std::vector<std::string>;

bool is_data(const Frame& frame) { return frame.type == FrameType::kData; }

BatchHeader header_of(const Frame& frame) {
  return *read_batch_header(decode_data(frame.payload)->batches.bytes);
}

// Each record is a batch of its own; the broker checks sequences.
struct Numbering : ClientWorld {
  Producer::Options options;
  std::vector<Result<Producer::Delivered>> results;
  Values given;
  std::optional<Producer> producer;

  Numbering() {
    options.brokers = {first.address};
    options.batch_bytes = 1;
    options.linger_ms = 0;
    options.in_flight_max = Producer::kIdempotentInFlightMax;
    options.retry_backoff_ms = 1;
    options.retry_backoff_max_ms = 4;
    first.add_topic("t", 1);
    second.add_topic("t", 1);
  }

  void give(int count) {
    if (!producer) producer.emplace(context, options);
    for (int i = 0; i < count; ++i) {
      given.push_back(std::to_string(given.size()));
      REQUIRE(producer->send_to("t", PartitionId(0), {.key = std::nullopt, .value = given.back()},
                                [this](auto result) { results.push_back(std::move(result)); }));
    }
  }

  bool settled() {
    return until([this] { return results.size() == given.size(); });
  }

  static Values stored(const FakeBroker& broker) {
    Values all;
    for (const auto& one : broker.produced)
      all.insert(all.end(), one.values.begin(), one.values.end());
    return all;
  }

  [[nodiscard]] std::vector<BatchHeader> headers() const {
    std::vector<BatchHeader> all;
    for (const auto& batch : first.topics.at("t").partitions[0].batches)
      all.push_back(*check_batch(batch));
    return all;
  }
};

TEST_CASE("idempotence: batches carry one id, and count on from 0") {
  Numbering world;
  world.options.batch_bytes = 100'000;
  for (const int count : {3, 1, 2}) {
    world.give(count);
    REQUIRE(world.settled());
  }
  const auto headers = world.headers();
  REQUIRE(headers.size() == 3);
  CHECK(headers[0].producer_id >= 0);
  CHECK(headers[2].producer_id == headers[0].producer_id);
  CHECK(headers[0].producer_epoch == 0);
  CHECK(headers[0].base_sequence == 0);
  CHECK(headers[1].base_sequence == 3);
  CHECK(headers[2].base_sequence == 4);
}

TEST_CASE("idempotence: is off without acks of all, or when it is not wanted") {
  Numbering world;
  SUBCASE("acks") { world.options.acks = 1; }
  SUBCASE("not wanted") { world.options.idempotent = false; }
  world.give(2);
  REQUIRE(world.settled());
  for (const auto& header : world.headers()) {
    CHECK(header.producer_id == -1);
    CHECK(header.base_sequence == -1);
  }
}

TEST_CASE("idempotence: two producers have two ids") {
  Numbering world;
  world.give(1);
  REQUIRE(world.settled());
  world.producer.reset();
  world.give(1);
  REQUIRE(world.settled());
  const auto headers = world.headers();
  REQUIRE(headers.size() == 2);
  CHECK(headers[0].producer_id != headers[1].producer_id);
}

// Stored, and then the connection breaks before the answer.
TEST_CASE("idempotence: what was stored and not acknowledged is not stored again") {
  Numbering world;
  int losses = 6;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame) || losses == 0 || world.random.below(3) != 0) return false;
    --losses;
    const auto batch = decode_data(frame.payload)->batches.bytes;
    auto& log = world.first.topics.at("t").partitions[0];
    auto& known = log.producers[header_of(frame).producer_id];
    const auto sent = header_of(frame);
    if (sent.base_sequence != known.next) return false;
    Buffer copy(batch.begin(), batch.end());
    assign(copy, log.end, Epoch(3));
    known.epoch = sent.producer_epoch;
    known.stored[sent.base_sequence] = {.base_offset = log.end, .next_offset = log.end + 1};
    known.next = sent.base_sequence + 1;
    world.first.produced.push_back({"t", PartitionId(0), -1, testing::values_of(copy)});
    log.end = log.end + 1;
    log.batches.push_back(std::move(copy));
    return peer.connection->close(), true;
  };
  world.give(60);
  REQUIRE(world.settled());
  CHECK(losses == 0);
  CHECK(Numbering::stored(world.first) == world.given);
  for (std::size_t i = 0; i < world.results.size(); ++i) {
    REQUIRE(world.results[i]);
    CHECK(world.results[i]->offset == Offset(static_cast<std::int64_t>(i)));
  }
}

TEST_CASE("idempotence: with several in flight order is kept when one fails") {
  Numbering world;
  int failures = 10;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame) || failures == 0 || world.random.below(4) != 0) return false;
    --failures;
    return peer.refuse(frame.id, Errc::kNotEnoughReplicas), true;
  };
  world.give(60);
  REQUIRE(world.settled());
  CHECK(failures == 0);
  CHECK(Numbering::stored(world.first) == world.given);
  for (const auto& result : world.results) CHECK(result);
  for (const auto& header : world.headers()) CHECK(header.producer_epoch == 0);
}

TEST_CASE(
    "idempotence: never more in flight than a broker remembers, and no failed one overtaken") {
  Numbering world;
  world.options.in_flight_max = 50;
  std::vector<std::uint64_t> waiting;
  world.first.hook = [&](Peer&, const Frame& frame) {
    if (!is_data(frame)) return false;
    waiting.push_back(frame.id);
    return true;
  };
  world.give(20);
  REQUIRE(world.until([&] { return waiting.size() >= Producer::kIdempotentInFlightMax; }));
  world.turn(10);
  REQUIRE(waiting.size() == Producer::kIdempotentInFlightMax);
  auto& peer = world.first.peers.back();
  peer.refuse(waiting[0], Errc::kNotEnoughReplicas);
  world.turn(20);
  CHECK(waiting.size() == 5);  // four are still under way
  world.first.hook = nullptr;
  for (std::size_t i = 1; i < 5; ++i) peer.refuse(waiting[i], Errc::kOutOfOrderSequence);
  REQUIRE(world.settled());
  CHECK(Numbering::stored(world.first) == world.given);
}

TEST_CASE("idempotence: behind a batch that is refused for good a new epoch begins") {
  Numbering world;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame) || header_of(frame).producer_epoch > 0) return false;
    if (header_of(frame).base_sequence != 2) return false;
    return peer.refuse(frame.id, Errc::kSchemaValidationFailed), true;
  };
  world.give(10);
  REQUIRE(world.settled());
  REQUIRE_FALSE(world.results[2]);
  CHECK(world.results[2].error().code() == Errc::kSchemaValidationFailed);
  auto expected = world.given;
  expected.erase(expected.begin() + 2);
  CHECK(Numbering::stored(world.first) == expected);
  const auto headers = world.headers();
  CHECK(headers[1].producer_epoch == 0);
  CHECK(headers[2].producer_epoch == 1);
  CHECK(headers[2].base_sequence == 0);
  CHECK(headers[2].producer_id == headers[0].producer_id);
}

TEST_CASE("idempotence: behind a batch that was not delivered in time a new epoch begins") {
  Numbering world;
  world.options.in_flight_max = 1;
  world.options.request_timeout_ms = 100;
  world.options.delivery_timeout_ms = 3'000;  // also of what is given when it hears again
  bool is_deaf = true;
  world.first.hook = [&](Peer&, const Frame& frame) { return is_data(frame) && is_deaf; };
  world.give(1);
  REQUIRE(world.settled());
  CHECK(world.results[0].error().code() == Errc::kTimeout);
  is_deaf = false;
  world.give(3);
  REQUIRE(world.settled());
  CHECK(Numbering::stored(world.first) == Values{"1", "2", "3"});
  CHECK(world.headers()[0].producer_epoch == 1);
  CHECK(world.headers()[0].base_sequence == 0);
}

// Of two batches under way the first one is given up. Whether the second is stored is not known, so
// it is asked for in the old epoch before the new one begins.
TEST_CASE("idempotence: no epoch begins before the fate of all that was sent is known") {
  Numbering world;
  world.options.in_flight_max = 2;
  int round = 0;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame)) return false;
    const auto sent = header_of(frame);
    CHECK(sent.producer_epoch == (round < 3 ? 0 : 1));
    if (++round == 1) return true;
    if (round == 2) {
      peer.refuse(frame.id - 1, Errc::kSchemaValidationFailed);
      return peer.refuse(frame.id, Errc::kNotEnoughReplicas), true;
    }
    if (round > 3) return false;
    CHECK(sent.base_sequence == 1);
    return peer.answer(FrameType::kAck, frame.id, ProduceAck{.base_offset = Offset(77)}), true;
  };
  world.give(4);
  REQUIRE(world.settled());
  CHECK_FALSE(world.results[0]);
  CHECK(world.results[1]->offset == Offset(77));
  CHECK(Numbering::stored(world.first) == Values{"2", "3"});
}

TEST_CASE("idempotence: a broker that does not know the sequence") {
  Numbering world;
  world.options.in_flight_max = 1;
  world.give(3);
  REQUIRE(world.settled());
  auto& producers = world.first.topics.at("t").partitions[0].producers;
  SUBCASE("gets it in a new epoch, when it was never sent before") {
    producers.clear();
    world.give(2);
    REQUIRE(world.settled());
    for (const auto& result : world.results) CHECK(result);
    CHECK(Numbering::stored(world.first) == world.given);
    CHECK(world.headers().back().producer_epoch == 1);
  }
  SUBCASE("is not asked again, when it may have it: an error, and a new epoch for what follows") {
    bool is_lost = false;
    world.first.hook = [&](Peer& peer, const Frame& frame) {
      if (!is_data(frame) || std::exchange(is_lost, true)) return false;
      producers.clear();
      return peer.connection->close(), true;
    };
    world.give(2);
    REQUIRE(world.settled());
    REQUIRE_FALSE(world.results[3]);
    CHECK(world.results[3].error().code() == Errc::kOutOfOrderSequence);
    REQUIRE(world.results[4]);
    CHECK(Numbering::stored(world.first) == Values{"0", "1", "2", "4"});
    CHECK(world.headers().back().producer_epoch == 1);
  }
}

TEST_CASE("idempotence: the same numbers go to the next leader") {
  Numbering world;
  world.give(10);
  REQUIRE(world.settled());
  auto& log = world.second.topics.at("t").partitions[0];
  log = world.first.topics.at("t").partitions[0];
  world.second.produced = world.first.produced;
  world.first.topics.at("t").leader = world.second.address.text();
  world.give(20);
  REQUIRE(world.settled());
  for (const auto& result : world.results) CHECK(result);
  CHECK(Numbering::stored(world.second) == world.given);
  CHECK(check_batch(log.batches.back())->producer_epoch == 0);
  CHECK(check_batch(log.batches.back())->base_sequence == 29);
}

}  // namespace
}  // namespace xylem::network
