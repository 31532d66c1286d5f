#include "network/client/consumer.h"

#include "common/batch/batch_builder.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::batch_of;
using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;
using Values = std::vector<std::string>;

constexpr PartitionId kFirst{0};

struct Consuming : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  Values values;
  std::vector<Offset> offsets;
  std::vector<Error> errors;
  std::optional<Consumer> consumer;

  Consuming() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    options.retry_schedule = {.first_ms = 1, .max_ms = 4, .doubling_tries = 3};
    for (auto* broker : {&first, &second}) broker->add_topic("t", 1);
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) -> Status {
      values.emplace_back(text_of(record.value.value()));
      offsets.push_back(record.offset);
      return {};
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
  }

  Consumer& start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    return *consumer;
  }

  bool receives(std::size_t count) {
    return until([this, count] { return values.size() >= count; });
  }

  [[nodiscard]] std::int64_t credit_back() const {
    return std::accumulate(first.acks.begin(), first.acks.end(), std::int64_t{0},
                           [](auto sum, const auto& ack) { return sum + ack.credit_bytes; });
  }

  [[nodiscard]] bool has_error(Errc code) const {
    return std::ranges::any_of(errors, [code](const auto& why) { return why.code() == code; });
  }
};

// Fails for the record "bad" as long as `failures` are left.
void fail_on_bad(Consuming& world, int& failures) {
  world.handlers.message = [&world, &failures, take = world.handlers.message](
                               const DeliveredBatch& batch, const RecordView& record) -> Status {
    if (text_of(*record.value) == "bad" && failures-- > 0) return fail(Errc::kIo, "no");
    return take(batch, record);
  };
}

TEST_CASE("consumer: gets what is there and what comes, in order, and acknowledges it") {
  Consuming world;
  world.options.group = "g";
  world.first.append("t", 0, {"a", "b"});
  world.start();
  REQUIRE(world.receives(2));
  world.first.append("t", 0, {"c"});
  REQUIRE(world.receives(3));
  CHECK(world.values == Values{"a", "b", "c"});
  CHECK(world.offsets == std::vector{Offset(0), Offset(1), Offset(2)});
  REQUIRE(world.until([&] { return world.first.acks.size() == 2; }));
  CHECK(world.first.acks[0].next_offset == Offset(2));
  CHECK(world.first.acks[1].next_offset == Offset(3));
  CHECK(world.first.subscribes[0].auto_commit);
  CHECK(world.first.subscribes[0].group == "g");
  CHECK(world.errors.empty());
}

TEST_CASE("consumer: credit comes back byte for byte, and without it nothing more is pushed") {
  Consuming world;
  world.options.credit_bytes = 1;
  std::int64_t bytes = 0;
  for (int i = 0; i < 20; ++i) {
    world.first.append("t", 0, {std::string(static_cast<std::size_t>(i) * 10 + 1, 'x')});
    bytes +=
        static_cast<std::int64_t>(world.first.topics.at("t").partitions[0].batches.back().size());
  }
  auto& consumer = world.start();
  REQUIRE(world.receives(20));
  REQUIRE(world.until([&] { return world.credit_back() == bytes; }));
  consumer.pause();
  for (int i = 0; i < 5; ++i) world.first.append("t", 0, {"more"});
  world.turn();
  CHECK(world.values.size() == 20);
  CHECK(world.credit_back() == bytes);
  consumer.resume();
  REQUIRE(world.receives(25));
}

TEST_CASE("consumer: raw batches, with the cursor before and after") {
  Consuming world;
  world.handlers.message = nullptr;
  std::vector<DeliveredBatch> batches;
  world.handlers.batch = [&](const DeliveredBatch& batch) -> Status {
    batches.push_back(batch);
    CHECK(batch.topic == "t");
    return {};
  };
  world.first.append("t", 0, {"a", "b", "c"});
  world.options.start = StartAt::kOffset;
  world.options.start_offset = Offset(1);
  world.start();
  REQUIRE(world.until([&] { return !batches.empty(); }));
  CHECK(batches[0].first_offset == Offset(1));
  CHECK(batches[0].next_offset == Offset(3));
  CHECK(batches[0].epoch == Epoch(3));
  CHECK(batches[0].incarnation == world.first.topics.at("t").incarnation);
  CHECK(read_batch_header(batches[0].batches.bytes)->base_offset == Offset(0));
}

TEST_CASE("consumer: records below the cursor of a whole batch are not delivered") {
  Consuming world;
  world.options.start = StartAt::kOffset;
  world.options.start_offset = Offset(2);
  world.first.append("t", 0, {"a", "b", "c", "d"});
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.values == Values{"c", "d"});
}

TEST_CASE("consumer: a handler that fails is tried again, and nothing overtakes") {
  Consuming world;
  int failures = 6;
  fail_on_bad(world, failures);
  world.first.append("t", 0, {"a", "bad", "c"});
  world.first.append("t", 0, {"d"});
  world.start();
  REQUIRE(world.receives(4));
  CHECK(world.values == Values{"a", "bad", "c", "d"});  // "a" once
  CHECK(failures == -1);
  CHECK(world.errors.size() == 6);
}

TEST_CASE("consumer: SKIP_ON_ERROR leaves out the one record, also behind a hole") {
  Consuming world;
  world.options.retry = RetryPolicy::kSkipOnError;
  int failures = 100;
  fail_on_bad(world, failures);
  auto& log = world.first.topics.at("t").partitions[0];
  log.batches = {batch_of({"a"}, Offset(0)), batch_of({"bad", "c"}, Offset(50))};
  log.end = Offset(52);
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.values == Values{"a", "c"});
  CHECK(world.errors.size() == 1);
  REQUIRE(world.until([&] { return world.first.acks.size() == 2; }));
  CHECK(world.first.acks[1].next_offset == Offset(52));
}

TEST_CASE("consumer: a compacted log: holes, batches with fewer records and with none") {
  Consuming world;
  world.options.group = "g";
  BatchBuilder fewer;
  Record record;
  record.value = "b";
  RecordView view;
  view.value = bytes_of(*record.value);
  REQUIRE(fewer.add_at(2, view));
  auto sparse = *fewer.build();
  auto header = *check_batch(sparse);
  header.base_offset = Offset(10);
  header.last_offset_delta = 9;
  write_batch_header(header, sparse);
  const auto none = [](std::int64_t base) {
    return emptied(*check_batch(batch_of({"x", "y"}, Offset(base))));
  };
  auto& log = world.first.topics.at("t").partitions[0];
  log.batches = {none(0), batch_of({"a"}, Offset(5)), sparse, none(30)};
  log.end = Offset(32);
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.values == Values{"a", "b"});
  CHECK(world.offsets == std::vector{Offset(5), Offset(12)});
  REQUIRE(world.until([&] {
    return !world.first.acks.empty() && world.first.acks.back().next_offset == Offset(32);
  }));
  world.first.append("t", 0, {"c"});
  REQUIRE(world.receives(3));
  CHECK(world.offsets.back() == Offset(32));
  CHECK(world.errors.empty());
}

TEST_CASE("consumer: PAUSE_ON_ERROR waits for resume, then tries the same record") {
  Consuming world;
  world.options.retry = RetryPolicy::kPauseOnError;
  int failures = 1;
  fail_on_bad(world, failures);
  world.first.append("t", 0, {"a", "bad", "c"});
  auto& consumer = world.start();
  REQUIRE(world.until([&] { return !world.errors.empty(); }));
  world.turn();
  CHECK(world.values == Values{"a"});
  CHECK(world.errors.size() == 1);
  consumer.resume();
  REQUIRE(world.receives(3));
  CHECK(world.values == Values{"a", "bad", "c"});
}

TEST_CASE("consumer: another partition goes on while one is paused by an error") {
  Consuming world;
  world.options.retry = RetryPolicy::kPauseOnError;
  world.first.add_topic("t", 2);
  int failures = 100;
  fail_on_bad(world, failures);
  world.first.append("t", 0, {"bad"});
  world.first.append("t", 1, {"a"});
  world.start();
  REQUIRE(world.receives(1));
  CHECK(world.values == Values{"a"});
}

TEST_CASE("consumer: at-most-once commits before the handler and never retries it") {
  Consuming world;
  world.options.group = "g";
  world.options.commit = Consumer::Commit::kBeforeHandler;
  world.handlers.message = [&](const DeliveredBatch&, const RecordView& record) -> Status {
    CHECK(world.first.commits.size() == 1);
    world.values.emplace_back(text_of(*record.value));
    if (world.values.back() == "bad") return fail(Errc::kIo, "no");
    return {};
  };
  world.first.append("t", 0, {"a", "bad", "c"});
  world.start();
  REQUIRE(world.receives(3));
  REQUIRE(world.until([&] { return world.credit_back() > 0; }));
  CHECK(world.values == Values{"a", "bad", "c"});
  CHECK(world.errors.size() == 1);
  REQUIRE(world.first.commits.size() == 1);
  CHECK(world.first.commits.front().next_offset == Offset(3));
}

TEST_CASE("consumer: at-most-once gives nothing to the handler whose commit is not answered") {
  Consuming world;
  world.options.group = "g";
  world.options.commit = Consumer::Commit::kBeforeHandler;
  world.options.retry_schedule = {.first_ms = 1, .max_ms = 2, .doubling_tries = 1};
  int asked = 0;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kCommitOffset || ++asked > 2) return false;
    if (asked == 1) peer.refuse(frame.id, Errc::kStaleGeneration);  // tried again
    if (asked == 2) peer.connection->close();                       // comes again
    CHECK(world.values.empty());
    return true;
  };
  world.first.append("t", 0, {"a", "b"});
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.values == Values{"a", "b"});
  CHECK(asked == 3);
}

TEST_CASE("consumer: at-most-once without a group has nothing to commit") {
  Consuming world;
  world.options.commit = Consumer::Commit::kBeforeHandler;
  world.first.append("t", 0, {"a"});
  world.start();
  CHECK(world.receives(1));
  CHECK(world.first.commits.empty());
}

TEST_CASE("consumer: manual commits are sent as given, and refused without a group") {
  Consuming world;
  world.options.commit = Consumer::Commit::kManual;
  std::vector<Status> done;
  const auto keep = [&](Status status) { done.push_back(std::move(status)); };
  SUBCASE("with a group") {
    world.options.group = "g";
    auto& consumer = world.start();
    consumer.commit("t", kFirst, Offset(1), keep);
    CHECK(done.empty());
    REQUIRE(world.until([&] { return done.size() == 1; }));
    CHECK(done[0].error().code() == Errc::kUnavailable);  // not connected yet
    REQUIRE(
        world.until([&] { return consumer.is_connected() && !world.first.subscribes.empty(); }));
    consumer.commit("t", kFirst, Offset(7), keep);
    REQUIRE(world.until([&] { return done.size() == 2; }));
    CHECK(done[1]);
    REQUIRE(world.first.commits.size() == 1);
    CHECK(world.first.commits[0].next_offset == Offset(7));
    CHECK(world.first.commits[0].group == "g");
    CHECK(world.first.commits[0].member == world.first.subscribes[0].member);
    CHECK_FALSE(world.first.subscribes[0].auto_commit);
  }
  SUBCASE("without") {
    auto& consumer = world.start();
    consumer.commit("t", kFirst, Offset(1), keep);
    REQUIRE(world.until([&] { return done.size() == 1; }));
    CHECK(done[0].error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("consumer: own cursors are asked for by partition") {
  Consuming world;
  world.options.commit = Consumer::Commit::kOwnCursors;
  world.first.add_topic("t", 2);
  world.first.append("t", 0, {"a", "b"});
  world.first.append("t", 1, {"x", "y"});
  world.handlers.cursor = [&](std::string_view topic,
                              PartitionId partition) -> std::optional<Cursor> {
    CHECK(topic == "t");
    if (partition == kFirst) return std::nullopt;
    return Cursor{Offset(1), world.first.topics.at("t").incarnation};
  };
  world.start();
  REQUIRE(world.receives(3));
  std::ranges::sort(world.values);
  CHECK(world.values == Values{"a", "b", "y"});
  CHECK_FALSE(world.first.subscribes[0].auto_commit);
  CHECK(world.errors.empty());
}

TEST_CASE("consumer: a cursor that is out of range continues where the broker says, and tells so") {
  Consuming world;
  world.options.commit = Consumer::Commit::kOwnCursors;
  world.first.append("t", 0, {"a"});
  world.handlers.cursor = [](auto, auto) { return Cursor{Offset(99), {}}; };
  world.start();
  REQUIRE(world.receives(1));
  CHECK(world.has_error(Errc::kOffsetOutOfRange));
}

TEST_CASE("consumer: goes on at its own cursor at the next broker") {
  Consuming world;
  world.options.brokers = {world.first.address, world.second.address};
  for (auto* broker : {&world.first, &world.second}) {
    broker->append("t", 0, {"a", "b", "c"});
    broker->append("t", 0, {"d"});
  }
  world.second.append("t", 0, {"e"});
  auto& consumer = world.start();
  REQUIRE(world.receives(4));
  world.first.stop();
  REQUIRE(world.receives(5));
  CHECK(world.values == Values{"a", "b", "c", "d", "e"});
  CHECK(consumer.is_connected());
  REQUIRE(world.second.subscribes.size() == 1);
  CHECK(world.second.subscribes[0].partitions.at(0).offset == Offset(4));
  CHECK_FALSE(world.errors.empty());
}

TEST_CASE("consumer: what was queued but not handled comes again after a reconnect, once") {
  Consuming world;
  auto& consumer = world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  consumer.pause();
  world.first.append("t", 0, {"a"});
  world.turn(10);
  world.first.peers.front().connection->close();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  world.turn(10);
  CHECK(world.values.empty());
  consumer.resume();
  REQUIRE(world.receives(1));
  world.turn(10);
  CHECK(world.values == Values{"a"});
}

TEST_CASE("consumer: a damaged batch is never delivered; the good one comes on a new connection") {
  Consuming world;
  world.options.brokers = {world.first.address, world.second.address};
  for (auto* broker : {&world.first, &world.second}) broker->append("t", 0, {"a", "b"});
  auto& damaged = world.first.topics.at("t").partitions[0].batches[0];
  damaged.back() ^= std::byte{1};
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.values == Values{"a", "b"});
  CHECK(world.has_error(Errc::kCorrupt));
  CHECK(world.first.acks.empty());
}

TEST_CASE("consumer: DATA of another incarnation ends the connection, a new partition is taken") {
  Consuming world;
  std::uint64_t id = 0;
  world.first.hook = [&](Peer&, const Frame& frame) {
    if (frame.type == FrameType::kSubscribe) id = frame.id;
    return false;
  };
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  world.turn(5);
  auto& peer = world.first.peers.front();
  auto& topic = world.first.add_topic("t", 2);
  world.first.send_batch(peer, id, {"t", PartitionId(1)}, batch_of({"x"}, Offset(0)));
  REQUIRE(world.receives(1));
  CHECK(world.errors.empty());
  ++topic.incarnation.generation;
  world.first.send_batch(peer, id, {"t", kFirst}, batch_of({"y"}, Offset(0)));
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  CHECK(world.has_error(Errc::kCorrupt));
  CHECK(world.values == Values{"x"});
}

TEST_CASE("consumer: a refused commit is told once and stops nothing") {
  Consuming world;
  std::uint64_t id = 0;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type == FrameType::kSubscribe) id = frame.id;
    if (frame.type == FrameType::kAck) peer.refuse(id, Errc::kInvalidRequest);
    return false;
  };
  world.start();
  for (int i = 0; i < 5; ++i) {
    world.first.append("t", 0, {"a"});
    REQUIRE(world.receives(static_cast<std::size_t>(i) + 1));
  }
  world.turn(5);
  CHECK(world.first.subscribes.size() == 1);
  CHECK(world.errors.size() == 1);
}

TEST_CASE("consumer: more than the credit allows ends the connection") {
  Consuming world;
  world.options.credit_bytes = 1'000;
  std::uint64_t id = 0;
  world.first.hook = [&](Peer&, const Frame& frame) {
    if (frame.type == FrameType::kSubscribe) id = frame.id;
    return false;
  };
  auto& consumer = world.start();
  consumer.pause();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  const std::string value(6'000'000, 'x');
  for (int i = 0; i < 3; ++i)
    world.first.send_batch(world.first.peers.front(), id, {"t", kFirst},
                           batch_of({value}, Offset(i)));
  REQUIRE(world.until([&] { return world.has_error(Errc::kQuotaExceeded); }));
}

TEST_CASE("consumer: waits for a topic that is not there yet, and says so once") {
  Consuming world;
  world.first.topics.clear();
  SUBCASE("subscribing") {}
  SUBCASE("asking for partitions") { world.options.commit = Consumer::Commit::kOwnCursors; }
  world.start();
  const auto asked = [&] {
    return world.first.subscribes.size() + world.first.count(FrameType::kMetadata);
  };
  REQUIRE(world.until([&] { return asked() > 4; }));
  CHECK(world.errors.size() == 1);
  CHECK(world.has_error(Errc::kUnknownTopicOrPartition));
  world.first.add_topic("t", 1);
  world.first.append("t", 0, {"a"});
  REQUIRE(world.receives(1));
}

TEST_CASE("consumer: an ERROR on the subscription subscribes again at its cursor") {
  Consuming world;
  std::uint64_t id = 0;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kSubscribe) return false;
    id = frame.id;
    peer.subscriptions.clear();
    return false;
  };
  world.first.append("t", 0, {"a", "b"});
  world.start();
  REQUIRE(world.receives(2));
  world.first.peers.front().refuse(id, Errc::kOffsetOutOfRange);
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  CHECK(world.first.subscribes[1].partitions.at(0).start == StartAt::kOffset);
  CHECK(world.first.subscribes[1].partitions.at(0).offset == Offset(2));
  CHECK(world.has_error(Errc::kOffsetOutOfRange));
  world.first.append("t", 0, {"c"});
  REQUIRE(world.receives(3));
  CHECK(world.values == Values{"a", "b", "c"});
}

TEST_CASE("consumer: of cursors refused as out of range only those that are begin anew") {
  Consuming world;
  world.options.commit = Consumer::Commit::kOwnCursors;
  world.options.reset = StartAt::kLatest;
  world.handlers.cursor = [](auto, auto) { return Cursor{Offset(5), {}}; };
  world.first.add_topic("t", 2);
  bool is_refused = false;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type == FrameType::kSubscribe && !std::exchange(is_refused, true))
      return peer.refuse(frame.id, Errc::kOffsetOutOfRange), true;
    if (frame.type != FrameType::kMetadata) return false;
    MetadataAnswer answer;
    answer.topics.push_back({.name = "t", .incarnation = {}, .partitions = {}});
    for (const int partition : {0, 1})
      answer.topics[0].partitions.push_back(
          {.partition = PartitionId(partition), .log_start = Offset(partition * 9)});
    return peer.answer(FrameType::kMetadata, frame.id, answer), true;
  };
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  const auto& asked = world.first.subscribes[0].partitions;
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].start == StartAt::kOffset);
  CHECK(asked[0].offset == Offset(5));
  CHECK(asked[1].start == StartAt::kLatest);
  CHECK(world.has_error(Errc::kOffsetOutOfRange));
}

TEST_CASE("consumer: refused for all it asked, or for another incarnation: begins anew") {
  Consuming world;
  world.options.start = StartAt::kOffset;
  world.options.start_offset = Offset(5);
  world.options.reset = StartAt::kLatest;
  Errc refusal = Errc::kOffsetOutOfRange;
  SUBCASE("offset") {}
  SUBCASE("incarnation") { refusal = Errc::kStaleGeneration; }
  bool is_refused = false;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kSubscribe || std::exchange(is_refused, true)) return false;
    return peer.refuse(frame.id, refusal), true;
  };
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  CHECK(world.first.subscribes[0].every->start == StartAt::kLatest);
}

TEST_CASE("consumer: one partition only") {
  Consuming world;
  world.options.partition = PartitionId(1);
  world.first.add_topic("t", 2);
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  REQUIRE(world.first.subscribes[0].partitions.size() == 1);
  CHECK(world.first.subscribes[0].partitions[0].partition == PartitionId(1));
  CHECK_FALSE(world.first.subscribes[0].every);
}

TEST_CASE("consumer: several topics share a connection") {
  Consuming world;
  world.options.topics = {"t", "u"};
  world.first.add_topic("u", 1);
  world.first.append("t", 0, {"a"});
  world.first.append("u", 0, {"b"});
  world.start();
  REQUIRE(world.receives(2));
  CHECK(world.first.connected() == 1);
}

}  // namespace
}  // namespace xylem::network
