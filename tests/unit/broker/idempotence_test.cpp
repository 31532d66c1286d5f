// Idempotent producing from the library to the log: what is sent again is there once.
#include "broker/partitions/partition.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_log.h"
#include "tests/support/lossy_client.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::Partition;
using Values = std::vector<std::string>;

Buffer numbered(std::int32_t sequence, std::int16_t epoch = 0) {
  BatchBuilder builder;
  XYLEM_CHECK(builder.add({.key = "k", .value = std::to_string(sequence), .headers = {}}));
  auto built = builder.build({.id = 7, .epoch = epoch, .sequence = sequence});
  XYLEM_CHECK(built.has_value());
  return *std::move(built);
}

// A partition that this broker leads, whose log commits as far as a test says.
struct Led {
  explicit Led(std::shared_ptr<FakeLog> its_log = std::make_shared<FakeLog>())
      : log(std::move(its_log)), partition("t", log, clock) {
    partition.lead(Epoch(2));
  }

  using Answer = std::optional<Result<Partition::Appended>>;

  std::shared_ptr<Answer> append(const Buffer& batch) {
    auto answer = std::make_shared<Answer>();
    partition.append(batch, broker::Acks::kAll, [answer](auto done) { *answer = std::move(done); });
    return answer;
  }

  SystemClock clock;
  std::shared_ptr<FakeLog> log;
  Partition partition;
};

TEST_CASE("idempotence: a batch that waits for its commit is answered twice, when that is there") {
  Led it;
  it.log->hold_durable_at(Offset(0));
  const auto first = it.append(numbered(0));
  const auto second = it.append(numbered(1));
  const auto again = it.append(numbered(0));
  CHECK(it.log->end_offset() == Offset(2));
  it.partition.on_log_progress();
  CHECK_FALSE(*again);
  it.log->hold_durable_at(Offset(1));
  it.partition.on_log_progress();
  REQUIRE(*first);
  REQUIRE(*again);
  CHECK((**again)->base_offset == Offset(0));
  CHECK((**again)->next_offset == Offset(1));
  CHECK_FALSE(*second);
  it.log->hold_durable_at(Offset(2));
  it.partition.on_log_progress();
  CHECK(*second);
}

TEST_CASE("idempotence: a batch that is committed is answered at once, a gap is refused") {
  Led it;
  for (int i = 0; i < 5; ++i) it.append(numbered(i));
  it.partition.on_log_progress();
  for (int i = 0; i < 5; ++i) {
    const auto again = it.append(numbered(i));
    REQUIRE(*again);
    CHECK((**again)->base_offset == Offset(i));
    CHECK((**again)->replicas_synced == 1);
  }
  const auto gap = it.append(numbered(6));
  REQUIRE(*gap);
  CHECK((*gap)->error().code() == Errc::kOutOfOrderSequence);
  CHECK(it.log->end_offset() == Offset(5));
  it.append(numbered(0, 1));
  const auto zombie = it.append(numbered(5));
  REQUIRE(*zombie);
  CHECK((*zombie)->error().code() == Errc::kStaleEpoch);
}

TEST_CASE("idempotence: after a failed append the same sequence is taken") {
  Led it;
  it.log->fail_appends(fail(Errc::kDiskFull, "full"));
  CHECK((*it.append(numbered(0)))->error().code() == Errc::kDiskFull);
  it.log->fail_appends({});
  it.append(numbered(0));
  CHECK(it.log->end_offset() == Offset(1));
}

TEST_CASE("idempotence: the next life and the next leader know what is in the log") {
  const auto log = std::make_shared<FakeLog>();
  {
    Led before(log);
    for (int i = 0; i < 3; ++i) before.append(numbered(i));
    before.partition.on_log_progress();
  }
  Led after(log);
  const auto again = after.append(numbered(2));
  REQUIRE(*again);
  CHECK((**again)->base_offset == Offset(2));
  after.append(numbered(3));
  CHECK(log->end_offset() == Offset(4));
}

TEST_CASE("idempotence: the log on disk is read after a restart") {
  const TemporaryDirectory directory;
  SystemClock clock;
  storage::PosixDisk disk;
  Metrics metrics;
  Loop loop;
  broker::TopicDefinition topic;
  topic.name = "t";
  topic.incarnation = {Uuid::from_words(1, 2), 0};
  const auto live = [&](const std::function<void(Partition&)>& act) {
    auto engine = storage::open_storage("mmap", directory.file("data"),
                                        {loop, disk, clock, Logger::none(), metrics});
    REQUIRE(engine);
    broker::PartitionTable table({loop, clock, Logger::none(), **engine}, {});
    auto opened = table.open(topic, PartitionId(0), Epoch(1));
    REQUIRE(opened);
    act(**opened);
  };
  const auto append = [&](Partition& partition, std::int32_t sequence) {
    std::optional<Result<Partition::Appended>> answer;
    do {  // until the log is in memory
      answer.reset();
      partition.append(numbered(sequence), broker::Acks::kAll,
                       [&](auto done) { answer = std::move(done); });
      REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    } while (!*answer && answer->error().code() == Errc::kUnavailable);
    REQUIRE(*answer);
    return (*answer)->base_offset;
  };
  live([&](Partition& partition) {
    for (int i = 0; i < 6; ++i) CHECK(append(partition, i) == Offset(i));
  });
  live([&](Partition& partition) {
    CHECK(append(partition, 5) == Offset(5));
    CHECK(append(partition, 6) == Offset(6));
    CHECK(partition.log()->end_offset() == Offset(7));
  });
}

TEST_CASE("idempotence: lost acknowledgements double nothing and keep the order") {
  BrokerWorld world;
  const auto topic = world.create("t");
  int losses = 12;
  LossyClient network(world.hub.make_client(), [&](const network::Frame& frame) {
    if (frame.type != network::FrameType::kAck || losses == 0 || world.random.below(4) != 0)
      return false;
    --losses;
    return true;
  });
  auto context = world.client_context();
  network::Producer producer({context.loop, network, context.clock, context.random, context.logger},
                             {.brokers = BrokerWorld::addresses(),
                              .batch_bytes = 1,
                              .linger_ms = 0,
                              .in_flight_max = 5,
                              .retry_backoff_ms = 1,
                              .retry_backoff_max_ms = 4});
  Values given;
  std::vector<Offset> offsets;
  for (int i = 0; i < 100; ++i) {
    given.push_back(std::to_string(i));
    REQUIRE(producer.send("t", {.key = std::nullopt, .value = given.back()}, [&](const auto& done) {
      REQUIRE(done);
      offsets.push_back(done->offset);
    }));
  }
  REQUIRE(run_until(world.loop, [&] { return offsets.size() == given.size(); }));
  CHECK(losses == 0);
  const auto& log = *world.partitions->find(topic.log(0))->log();
  CHECK(log.end_offset() == Offset(100));
  for (std::size_t i = 0; i < offsets.size(); ++i)
    CHECK(offsets[i] == Offset(static_cast<std::int64_t>(i)));
  Values stored;
  auto read = log.read(Offset(0), 1'000'000, Offset(100));
  REQUIRE(read);
  for (const auto& slice : read->slices) {
    for (auto left = slice.bytes; !left.empty();) {
      auto reader = BatchReader::open(left.first(read_batch_header(left)->bytes));
      while (auto record = reader->next()) stored.emplace_back(text_of(*(*record)->value));
      left = left.subspan(read_batch_header(left)->bytes);
    }
  }
  CHECK(stored == given);
}

}  // namespace
}  // namespace xylem::testing
