#include "network/client/producer.h"

#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;

constexpr PartitionId kFirst{0};

struct Producing : ClientWorld {
  Producer::Options options;
  std::vector<Result<Producer::Delivered>> results;
  bool is_inside = false;
  std::optional<Producer> producer;  // calls back when it goes

  Producing() {
    options.brokers = {first.address};
    options.linger_ms = 2;
    options.retry_backoff_ms = 1;
    options.retry_backoff_max_ms = 4;
    first.add_topic("t", 1);
  }

  Producer& start() { return producer.emplace(context, options); }

  Producer::Callback keep() {
    return [this](Result<Producer::Delivered> result) {
      CHECK_FALSE(is_inside);
      results.push_back(std::move(result));
    };
  }

  Status give(const std::string& value, std::optional<PartitionId> partition = {}) {
    is_inside = true;
    Record record{.key = std::nullopt, .value = value};
    auto status = partition ? producer->send_to("t", *partition, std::move(record), keep())
                            : producer->send("t", std::move(record), keep());
    is_inside = false;
    return status;
  }

  bool settled(std::size_t count) {
    return until([this, count] { return results.size() >= count; });
  }

  [[nodiscard]] std::vector<std::string> stored() const {
    std::vector<std::string> all;
    for (const auto& one : first.produced)
      all.insert(all.end(), one.values.begin(), one.values.end());
    return all;
  }

  void take_connection() {
    REQUIRE(until([this] { return first.count(FrameType::kHello) > 0; }));
    turn(5);
  }
};

bool is_data(const Frame& frame) { return frame.type == FrameType::kData; }

TEST_CASE("producer: records given together leave as one batch and learn their offsets") {
  Producing world;
  world.first.append("t", 0, {"before"});
  world.start();
  for (const char* value : {"a", "b", "c"}) REQUIRE(world.give(value));
  REQUIRE(world.settled(3));
  REQUIRE(world.first.produced.size() == 1);
  CHECK(world.stored() == std::vector<std::string>{"a", "b", "c"});
  CHECK(world.first.produced[0].acks == -1);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(world.results[i]);
    CHECK(world.results[i]->offset == Offset(static_cast<std::int64_t>(i) + 1));
    CHECK(world.results[i]->replicas_synced == 1);
  }
  CHECK(world.producer->buffered_bytes() == 0);
}

TEST_CASE("producer: a full batch does not wait for the linger") {
  Producing world;
  world.options.linger_ms = 60'000;
  world.options.batch_bytes = 1'000;
  world.start();
  for (int i = 0; i < 5; ++i) REQUIRE(world.give(std::string(400, 'x')));
  REQUIRE(world.settled(4));
  CHECK(world.first.produced.size() == 2);
  CHECK(world.results.size() == 4);  // the fifth lingers
  bool is_flushed = false;
  world.producer->flush([&] { is_flushed = true; });
  CHECK_FALSE(is_flushed);
  REQUIRE(world.until([&] { return is_flushed; }));
  CHECK(world.results.size() == 5);
}

TEST_CASE("producer: a flush before the topic is known does not send record by record") {
  Producing world;
  world.start();
  for (int i = 0; i < 100; ++i) REQUIRE(world.give(std::to_string(i)));
  world.producer->flush([] {});
  REQUIRE(world.settled(100));
  CHECK(world.first.produced.size() == 1);
}

TEST_CASE("producer: a flush waits for what was given before it, and only for that") {
  Producing world;
  world.options.linger_ms = 60'000;
  world.start();
  bool is_first_done = false;
  world.producer->flush([&] { is_first_done = true; });  // nothing to wait for
  REQUIRE(world.until([&] { return is_first_done; }));
  REQUIRE(world.give("a"));
  std::size_t settled_then = 0;
  bool is_done = false;
  world.producer->flush([&] { is_done = true, settled_then = world.results.size(); });
  REQUIRE(world.until([&] { return is_done; }));
  CHECK(settled_then == 1);
  REQUIRE(world.give("b"));
  world.turn();
  CHECK(world.results.size() == 1);  // lingers again
}

TEST_CASE("producer: a failed batch is sent again before what follows") {
  Producing world;
  world.options.batch_bytes = 1;  // a batch each
  int failures = 7;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame) || failures == 0) return false;
    if (--failures % 2 == 0) return peer.connection->close(), true;
    return peer.refuse(frame.id, Errc::kNotEnoughReplicas), true;
  };
  world.start();
  std::vector<std::string> given;
  for (int i = 0; i < 50; ++i) given.push_back(std::to_string(i));
  for (const auto& value : given) REQUIRE(world.give(value));
  REQUIRE(world.settled(given.size()));
  CHECK(failures == 0);
  CHECK(world.stored() == given);
  for (std::size_t i = 0; i < given.size(); ++i) {
    REQUIRE(world.results[i]);
    CHECK(world.results[i]->offset == Offset(static_cast<std::int64_t>(i)));
  }
}

TEST_CASE("producer: with several in flight callbacks still come in the order given") {
  Producing world;
  world.options.batch_bytes = 1;
  world.options.in_flight_max = 4;
  SUBCASE("idempotent") {}
  SUBCASE("not") { world.options.idempotent = false; }
  bool is_refused = false;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (!is_data(frame) || std::exchange(is_refused, true)) return false;
    return peer.refuse(frame.id, Errc::kUnavailable), true;
  };
  world.start();
  for (int i = 0; i < 8; ++i) REQUIRE(world.give(std::to_string(i)));
  REQUIRE(world.settled(8));
  std::set<Offset> offsets;
  for (const auto& result : world.results) offsets.insert(result->offset);
  CHECK(offsets.size() == 8);
  const bool is_overtaken = world.results[0]->offset > world.results[1]->offset;
  CHECK(is_overtaken == !world.options.idempotent);  // stored later, told first
}

TEST_CASE("producer: follows NOT_LEADER to who leads, and stays there") {
  Producing world;
  world.second.add_topic("t", 1);
  world.first.topics.at("t").leader = world.second.address.text();
  bool is_stale = true;  // the first broker still believes in itself
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kMetadata || !is_stale) return false;
    MetadataAnswer answer;
    answer.topics.push_back(
        {.name = "t",
         .incarnation = {},
         .partitions = {{.partition = kFirst, .leader_address = world.first.address.text()}}});
    return peer.answer(FrameType::kMetadata, frame.id, answer), true;
  };
  world.start();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(world.give(std::to_string(i)));
    REQUIRE(world.settled(static_cast<std::size_t>(i) + 1));
    REQUIRE(world.results.back());
    world.turn(10);  // a stale METADATA answer in between must not lead it back
  }
  CHECK(world.second.produced.size() == 3);
  CHECK(world.first.count(FrameType::kData) == 1);
}

TEST_CASE("producer: goes to the next broker when the first is not there") {
  Producing world;
  world.second.add_topic("t", 1);
  world.options.brokers = {{.host = "nobody", .port = 9}, world.second.address};
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.settled(1));
  CHECK(world.results[0]);
  CHECK(world.second.produced.size() == 1);
}

TEST_CASE("producer: without an answer in time it tries again, and says kTimeout in the end") {
  Producing world;
  world.options.request_timeout_ms = 10;
  world.options.delivery_timeout_ms = 2'000;
  world.first.hook = [](Peer&, const Frame& frame) { return is_data(frame); };
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.settled(1));
  REQUIRE_FALSE(world.results[0]);
  CHECK(world.results[0].error().code() == Errc::kTimeout);
  CHECK(world.first.count(FrameType::kData) > 1);
  CHECK(world.producer->buffered_bytes() == 0);
}

TEST_CASE("producer: with no broker at all it says kTimeout") {
  Producing world;
  world.options.brokers = {{.host = "nobody", .port = 9}};
  world.options.delivery_timeout_ms = 30;
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.settled(1));
  CHECK(world.results[0].error().code() == Errc::kTimeout);
}

TEST_CASE("producer: what cannot succeed is not tried again") {
  Producing world;
  world.first.hook = [](Peer& peer, const Frame& frame) {
    if (!is_data(frame)) return false;
    return peer.refuse(frame.id, Errc::kSchemaValidationFailed), true;
  };
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.settled(1));
  CHECK(world.results[0].error().code() == Errc::kSchemaValidationFailed);
  CHECK(world.first.count(FrameType::kData) == 1);
}

TEST_CASE("producer: waits for a topic that is made late, but not for ever") {
  Producing world;
  world.first.topics.clear();
  SUBCASE("made") {
    world.start();
    REQUIRE(world.give("a"));
    REQUIRE(world.until([&] { return world.first.count(FrameType::kMetadata) > 2; }));
    world.first.add_topic("t", 1);
    REQUIRE(world.settled(1));
    CHECK(world.results[0]);
  }
  SUBCASE("never made") {
    world.options.topic_wait_ms = 20;
    world.options.delivery_timeout_ms = 60'000;
    world.start();
    REQUIRE(world.give("a"));
    REQUIRE(world.settled(1));
    CHECK(world.results[0].error().code() == Errc::kUnknownTopicOrPartition);
  }
}

TEST_CASE("producer: a full buffer refuses, and says when there is room") {
  Producing world;
  world.options.buffer_bytes_max = 1'000;
  world.start();
  int room = 0;
  world.producer->on_room([&] { ++room; });
  REQUIRE(world.give(std::string(500, 'x')));
  const auto refused = world.give(std::string(500, 'x'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kQuotaExceeded);
  const auto never = world.give(std::string(1'000, 'x'));
  REQUIRE_FALSE(never);
  CHECK(never.error().code() == Errc::kMessageTooLarge);
  CHECK(room == 0);
  REQUIRE(world.until([&] { return room > 0; }));
  CHECK(room == 1);
  CHECK(world.results.size() == 1);
  REQUIRE(world.give(std::string(500, 'x')));
  REQUIRE(world.settled(2));
  CHECK(room == 1);  // nobody was refused since
}

TEST_CASE("producer: acks=0 is settled when sent, without an offset") {
  Producing world;
  world.options.acks = 0;
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.give("b"));
  REQUIRE(world.settled(2));
  CHECK(world.results[1]->offset == Offset(-1));
  REQUIRE(world.until([&] { return world.stored().size() == 2; }));
  CHECK(world.first.produced[0].acks == 0);
}

TEST_CASE("producer: partitioners") {
  Producing world;
  world.first.topics.clear();
  world.first.add_topic("t", 3);
  const auto used = [&world] {
    std::map<PartitionId, std::size_t> records;
    for (const auto& one : world.first.produced) records[one.partition] += one.values.size();
    return records;
  };
  SUBCASE("no key: in turn") {
    world.start();
    for (int i = 0; i < 30; ++i) REQUIRE(world.give("v"));
    REQUIRE(world.settled(30));
    for (const auto& [partition, count] : used()) CHECK(count == 10);
    CHECK(used().size() == 3);
  }
  SUBCASE("by key") {
    world.start();
    for (int i = 0; i < 10; ++i)
      REQUIRE(world.producer->send("t", {.key = "foobar", .value = "v"}, world.keep()));
    REQUIRE(world.settled(10));
    CHECK(used() ==
          std::map<PartitionId, std::size_t>{{partition_by_key(bytes_of("foobar"), 3), 10}});
  }
  SUBCASE("custom, also out of range") {
    world.options.partitioner = Producer::Partitioner::kCustom;
    world.options.custom = [](const Record& record, std::int32_t count) {
      return PartitionId(record.value == "bad" ? count : 2);
    };
    world.start();
    REQUIRE(world.give("v"));
    REQUIRE(world.give("bad"));
    REQUIRE(world.settled(2));
    CHECK(used() == std::map<PartitionId, std::size_t>{{PartitionId(2), 1}});
    CHECK(world.results[0].error().code() == Errc::kUnknownTopicOrPartition);
    CHECK_FALSE(world.give("bad"));  // now that the topic is known, at once
  }
  SUBCASE("named") {
    world.start();
    REQUIRE(world.give("v", PartitionId(1)));
    REQUIRE(world.give("w", PartitionId(7)));
    REQUIRE(world.settled(2));
    CHECK(used() == std::map<PartitionId, std::size_t>{{PartitionId(1), 1}});
  }
}

TEST_CASE("producer: compressed batches arrive") {
  Producing world;
  world.options.compression = Compression::kZstd;
  world.start();
  const std::string value(10'000, 'z');
  REQUIRE(world.give(value));
  REQUIRE(world.settled(1));
  CHECK(world.stored() == std::vector{value});
  CHECK(world.first.topics.at("t").partitions[0].batches[0].size() < 1'000);
}

TEST_CASE("producer: a record without a timestamp gets the time of giving") {
  Producing world;
  world.start();
  REQUIRE(world.give("a"));
  REQUIRE(world.settled(1));
  const auto header = *read_batch_header(world.first.topics.at("t").partitions[0].batches[0]);
  CHECK(header.base_timestamp_ms > 1'600'000'000'000);
}

TEST_CASE("producer: closing cancels what is open") {
  Producing world;
  world.options.linger_ms = 60'000;
  world.first.hook = [](Peer&, const Frame& frame) { return is_data(frame); };
  world.start();
  REQUIRE(world.give("in flight"));
  world.producer->flush(nullptr);
  REQUIRE(world.until([&] { return world.first.count(FrameType::kData) == 1; }));
  REQUIRE(world.give("waiting"));
  world.producer.reset();
  REQUIRE(world.results.size() == 2);
  for (const auto& result : world.results) CHECK(result.error().code() == Errc::kCancelled);
}

TEST_CASE("producer: a topic's name is checked") {
  Producing world;
  world.start();
  const auto given = world.producer->send("../t", {.key = "k", .value = "v"}, world.keep());
  REQUIRE_FALSE(given);
  CHECK(given.error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::network
