#include "common/batch/batch_builder.h"
#include "common/batch/crc32c.h"
#include "network/client/client_session.h"
#include "network/protocol/messages.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <vector>

namespace xylem::testing {
namespace {

using broker::GroupPartition;
using network::Consumer;
using network::Producer;

Record record(const std::string& key, const std::string& value) {
  Record made;
  made.key = key;
  made.value = value;
  return made;
}

// Produces `count` records with values "0", "1", ... and waits until all are acknowledged.
void produce(BrokerWorld& world, const std::string& topic, int count) {
  Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  int acknowledged = 0;
  for (int i = 0; i < count; ++i) {
    const auto text = std::to_string(i);
    REQUIRE(producer.send(topic, record("k" + text, text), [&](const auto& delivered) {
      REQUIRE(delivered);
      CHECK(delivered->replicas_synced == 1);
      ++acknowledged;
    }));
  }
  REQUIRE(run_until(world.loop, [&] { return acknowledged == count; }));
}

class Receiver {
 public:
  Receiver(BrokerWorld& world, Consumer::Options options)
      : consumer(world.client_context(), prepared(std::move(options)), handlers()) {
    consumer.start();
  }

  std::vector<std::string> values;
  std::vector<Error> errors;

 private:
  static Consumer::Options prepared(Consumer::Options options) {
    options.brokers = BrokerWorld::addresses();
    return options;
  }

  Consumer::Handlers handlers() {
    Consumer::Handlers made;
    made.message = [this](const auto&, const RecordView& received) -> Status {
      values.emplace_back(text_of(*received.value));
      return {};
    };
    made.error = [this](const Error& error) { errors.push_back(error); };
    return made;
  }

 public:
  Consumer consumer;
};

TEST_CASE("delivery: what is produced is pushed, in order, also what comes later") {
  BrokerWorld world;
  world.create("t");
  produce(world, "t", 50);
  Receiver receiver(world, {.topics = {"t"}, .start = network::StartAt::kEarliest});
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 50; }));
  produce(world, "t", 50);
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 100; }));
  for (int i = 0; i < 100; ++i)
    CHECK(receiver.values[static_cast<std::size_t>(i)] == std::to_string(i % 50));
  CHECK(receiver.errors.empty());
}

TEST_CASE("delivery: little credit slows down, it loses nothing") {
  BrokerWorld world;
  world.create("t", 3);
  produce(world, "t", 300);
  Receiver receiver(world,
                    {.topics = {"t"}, .start = network::StartAt::kEarliest, .credit_bytes = 200});
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 300; }));
}

// With own cursors the client lists the partitions it knows: later ones come all the same.
TEST_CASE("delivery: a topic that grows is followed, also by who listed its partitions") {
  BrokerWorld world;
  world.create("t");
  Receiver receiver(world, {.topics = {"t"}, .commit = Consumer::Commit::kOwnCursors});
  produce(world, "t", 1);
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 1; }));
  bool altered = false;
  world.topics->alter("t", R"({"partitions":3})",
                      [&](const auto& done) { altered = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return altered; }));
  Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  REQUIRE(producer.send_to("t", PartitionId(2), record("k", "late"), [](const auto&) {}));
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 2; }));
  CHECK(receiver.values.back() == "late");
}

TEST_CASE("delivery: a group goes on where it was, also at another session") {
  BrokerWorld world;
  const auto topic = world.create("t");
  produce(world, "t", 10);
  const GroupPartition where{"g", "t", PartitionId(0)};
  {
    Receiver receiver(world, {.group = "g", .topics = {"t"}});
    REQUIRE(run_until(world.loop, [&] {
      const auto committed = world.offsets->find(where);
      return committed && committed->next == Offset(10);
    }));
  }
  produce(world, "t", 5);
  Receiver again(world, {.group = "g", .topics = {"t"}});
  REQUIRE(run_until(world.loop, [&] { return again.values.size() == 5; }));
  CHECK(again.values.front() == "0");
}

TEST_CASE("delivery: a commit below what is committed, or of another incarnation, is refused") {
  BrokerWorld world;
  const auto topic = world.create("t");
  const GroupPartition where{"g", "t", PartitionId(0)};
  std::vector<Status> answers;
  const auto commit = [&](Offset next, const Incarnation& incarnation) {
    world.offsets->commit(where, {next, incarnation}, [&](Status s) { answers.push_back(s); });
  };
  commit(Offset(5), topic.incarnation);
  commit(Offset(7), topic.incarnation);
  commit(Offset(6), topic.incarnation);
  REQUIRE(run_until(world.loop, [&] { return answers.size() == 3; }));
  CHECK(world.offsets->find(where)->next == Offset(7));
  int refused = 0;
  for (const auto& answer : answers) refused += answer ? 0 : 1;
  CHECK(refused == 1);
  broker::LocalOffsets reopened(*world.state);
  bool loaded = false;
  reopened.load([&](const Status& done) { loaded = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return loaded; }));
  REQUIRE(reopened.find(where));
  CHECK(reopened.find(where)->next == Offset(7));
}

TEST_CASE("delivery: produce to what is not there or not ours says so") {
  BrokerWorld world(kNoEpoch, {.node = "root-0", .tcp = "root:9092", .http = "root:8081"});
  std::optional<Error> error;
  network::AdminClient admin(world.client_context(),
                             {.brokers = BrokerWorld::addresses(), .timeout_ms = 300});
  admin.command("topic.create", R"({"name":"t"})", [&](const auto& answer) {
    REQUIRE_FALSE(answer);
    error = answer.error();
  });
  REQUIRE(run_until(world.loop, [&] { return error.has_value(); }));
  // It followed the hint to root:9092, which nobody serves here.
  CHECK((error->code() == Errc::kTimeout || error->code() == Errc::kUnavailable));
}

// A session of the client library that has said HELLO.
class RawSession {
 public:
  explicit RawSession(BrokerWorld& world)
      : world_(world), session_(world.client_context(), {.brokers = BrokerWorld::addresses()}, {}) {
    session_.start();
    REQUIRE(run_until(world.loop, [&] { return session_.is_ready(); }));
  }

  // The error that a request is answered with; nullopt: it is answered.
  std::optional<Error> error_of(network::FrameType type, const std::vector<Slice>& pieces) {
    bool is_answered = false;
    std::optional<Error> error;
    session_.request(type, pieces, xylem::testing::kGiveUpMs, [&](const auto& answer) {
      is_answered = true;
      if (!answer) error = answer.error();
    });
    REQUIRE(run_until(world_.loop, [&] { return is_answered; }));
    return error;
  }

 private:
  BrokerWorld& world_;
  network::ClientSession session_;
};

TEST_CASE("delivery: a commit above what there is to consume is refused, and stops no later one") {
  BrokerWorld world;
  const auto topic = world.create("t");
  produce(world, "t", 3);
  RawSession session(world);
  const auto commit = [&](std::int64_t next, const Incarnation& incarnation) {
    return session.error_of(
        network::FrameType::kCommitOffset,
        network::payload_of(network::CommitOffset{.group = "g",
                                                  .member = "m",
                                                  .topic = "t",
                                                  .partition = PartitionId(0),
                                                  .incarnation = incarnation,
                                                  .next_offset = Offset(next)}));
  };
  CHECK(commit(4, topic.incarnation)->code() == Errc::kInvalidRequest);
  CHECK(commit(2, {Uuid::from_words(1, 2), 0})->code() == Errc::kStaleGeneration);
  CHECK_FALSE(commit(3, topic.incarnation));
}

TEST_CASE("delivery: an equal commit is confirmed when the first is on disk, not before") {
  BrokerWorld world;
  const auto topic = world.create("t");
  const GroupPartition where{"g", "t", PartitionId(0)};
  std::vector<int> confirmed;
  world.offsets->commit(where, {Offset(1), topic.incarnation}, [&](const Status& done) {
    CHECK(done);
    confirmed.push_back(1);
  });
  world.offsets->commit(where, {Offset(1), topic.incarnation}, [&](const Status& done) {
    CHECK(done);
    confirmed.push_back(2);
  });
  CHECK(confirmed.empty());
  CHECK(world.offsets->all().empty());
  REQUIRE(run_until(world.loop, [&] { return confirmed.size() == 2; }));
  CHECK(confirmed == std::vector{1, 2});
  CHECK(world.offsets->all().size() == 1);
}

// A batch that is whole, and says that it holds the broker's own markers.
Buffer control_batch() {
  constexpr std::size_t kCrcAt = 17;
  constexpr std::size_t kAttributesAt = 21;
  BatchBuilder builder;
  REQUIRE(builder.add(record("k", "v")));
  auto batch = *builder.build();
  batch[kAttributesAt + 1] |= std::byte{1U << 5U};
  const auto crc = crc32c(Bytes(batch).subspan(kAttributesAt));
  for (std::size_t i = 0; i < sizeof(crc); ++i)
    batch[kCrcAt + i] = static_cast<std::byte>(crc >> (8 * (sizeof(crc) - 1 - i)));
  return batch;
}

TEST_CASE("delivery: a client cannot produce control batches") {
  BrokerWorld world;
  world.create("t");
  RawSession session(world);
  const network::DataHeader header{
      .topic = "t", .partition = PartitionId(0), .batch_count = 1, .acks = -1};
  const auto error = session.error_of(
      network::FrameType::kData,
      {Slice::own(network::encode_data_header(header)), Slice::own(control_batch())});
  REQUIRE(error);
  CHECK(error->code() == Errc::kInvalidRequest);
  CHECK(error->what() == "control batches are the broker's");
}

TEST_CASE("delivery: a deleted topic ends its subscriptions, a recreated one is another history") {
  BrokerWorld world;
  const auto first = world.create("t");
  produce(world, "t", 3);
  Receiver receiver(world, {.topics = {"t"}, .start = network::StartAt::kEarliest});
  REQUIRE(run_until(world.loop, [&] { return receiver.values.size() == 3; }));
  bool removed = false;
  world.topics->remove("t", [&](const auto& done) { removed = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return removed; }));
  CHECK(world.topics->find("t") == nullptr);
  CHECK(world.partitions->find(first.log(0)) == nullptr);
  const auto second = world.create("t");
  CHECK(second.incarnation != first.incarnation);
}

TEST_CASE("catalog: one name cannot be created twice") {
  BrokerWorld world;
  world.create("t");
  broker::TopicDefinition request;
  request.name = "t";
  std::optional<Error> error;
  world.topics->create(request, [&](const auto& done) { error = done.error(); });
  REQUIRE(run_until(world.loop, [&] { return error.has_value(); }));
  CHECK(error->code() == Errc::kAlreadyExists);
}

}  // namespace
}  // namespace xylem::testing
