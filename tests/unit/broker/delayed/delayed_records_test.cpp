// Delayed records through a broker alone: from the producer library to the topic's log.
#include "broker/delayed/delayed_records.h"

#include "broker/partitions/read_records.h"
#include "common/batch/batch_builder.h"
#include "common/batch/due_time.h"
#include "tests/support/broker_world.h"
#include "tests/support/try_until.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::Acks;
using broker::Partition;
using broker::TopicDefinition;

Record record_of(const std::string& value, std::int64_t due_ms) {
  Record record;
  record.key = "key";
  record.value = value;
  record.timestamp_ms = 12'345;
  record.headers = {{"other", "header"}};
  if (due_ms != 0) set_due_at(record, due_ms);
  return record;
}

Buffer batch_of(const std::vector<Record>& records, const BatchProducer& producer = {}) {
  BatchBuilder builder;
  for (const auto& record : records) REQUIRE(builder.add(record));
  auto built = builder.build(producer);
  REQUIRE(built);
  return *std::move(built);
}

class World : public BrokerWorld {
 public:
  using BrokerWorld::BrokerWorld;

  [[nodiscard]] std::vector<Record> stored(const TopicDefinition& topic) const {
    std::vector<Record> records;
    const auto* partition = partitions->find(topic.log(0));
    if (partition == nullptr) return records;
    auto next = broker::read_records(
        *partition->log(), Offset(0), partition->high_watermark(), 1 << 20,
        [&](const RecordView& record) { records.push_back(record.to_record()); });
    REQUIRE(next);
    return records;
  }

  [[nodiscard]] std::vector<std::string> values(const TopicDefinition& topic) const {
    std::vector<std::string> all;
    for (const auto& record : stored(topic)) all.push_back(*record.value);
    return all;
  }

  Result<Partition::Appended> park(const TopicDefinition& topic, const Buffer& batch) {
    std::optional<Result<Partition::Appended>> answer;
    delayed->park(topic, PartitionId(0), batch, Acks::kAll,
                  [&](auto done) { answer = std::move(done); });
    REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    return *answer;
  }

  // The first one waits until the partition was read back.
  void park_ready(const TopicDefinition& topic, const Buffer& batch) {
    REQUIRE(try_until(loop, [&] {
      const auto parked = park(topic, batch);
      return parked.has_value() || parked.error().code() != Errc::kUnavailable;
    }));
  }

  [[nodiscard]] std::uint64_t waiting() const {
    std::uint64_t records = 0;
    for (const auto& [topic, waiting] : delayed->view().topics) records += waiting.records;
    return records;
  }

  [[nodiscard]] std::int64_t soon(std::int64_t ms) const { return clock.wall_ms() + ms; }
};

TEST_CASE("delayed records: come when they are due, as they were produced") {
  World world;
  const auto topic = world.create("t");
  network::Producer producer(world.client_context(), {.brokers = World::addresses()});
  int acknowledged = 0;
  const auto give = [&](const std::string& value, std::int64_t due_ms) {
    REQUIRE(producer.send("t", record_of(value, due_ms), [&, value](const auto& delivered) {
      REQUIRE(delivered);
      CHECK((delivered->offset == Offset(-1)) == (value != "now" && value != "past"));
      ++acknowledged;
    }));
  };
  const auto due_ms = world.soon(5'000);
  give("second", due_ms);
  give("third", due_ms + 1);
  give("first", due_ms - 100);
  give("now", 0);
  give("past", 1);
  REQUIRE(run_until(world.loop, [&] { return acknowledged == 5; }));
  CHECK(world.values(topic) == std::vector<std::string>{"now", "past"});
  CHECK(world.waiting() == 3);
  REQUIRE(run_until(world.loop, [&] {
    const auto count = world.stored(topic).size();
    if (count == 3) CHECK(world.clock.wall_ms() >= due_ms - 100);
    if (count > 3) CHECK(world.clock.wall_ms() >= due_ms);
    return count == 5;
  }));
  CHECK(world.values(topic) == std::vector<std::string>{"now", "past", "first", "second", "third"});
  const auto promoted = world.stored(topic)[3];
  CHECK(promoted.key == "key");
  CHECK(promoted.timestamp_ms == 12'345);
  REQUIRE(promoted.headers.size() == 2);
  CHECK(promoted.headers[0].second == "header");
  CHECK(*due_at(promoted) == due_ms);
  REQUIRE(run_until(world.loop, [&] { return world.waiting() == 0; }));
  const auto text = world.metrics.text();
  CHECK(text.find("xylem_delayed_promoted_total 3") != std::string::npos);
  CHECK(text.find("xylem_delayed_lateness_seconds_count 3") != std::string::npos);
}

TEST_CASE("delayed records: what is sent again waits once, also after it was delivered") {
  World world;
  const auto topic = world.create("t");
  const auto batch = batch_of({record_of("a", world.soon(20)), record_of("b", world.soon(20))},
                              {.id = 7, .epoch = 0, .sequence = 0});
  world.park_ready(topic, batch);
  REQUIRE(world.park(topic, batch));
  REQUIRE(run_until(world.loop, [&] { return world.stored(topic).size() >= 2; }));
  REQUIRE(run_until(world.loop, [&] { return world.waiting() == 0; }));
  REQUIRE(world.park(topic, batch));
  CHECK(world.waiting() == 0);
  world.open_delayed(Epoch(3));
  world.park_ready(
      topic, batch_of({record_of("c", world.soon(20))}, {.id = 7, .epoch = 0, .sequence = 2}));
  REQUIRE(run_until(world.loop, [&] { return world.stored(topic).size() >= 3; }));
  CHECK(world.values(topic) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("delayed records: wait over a restart") {
  World world;
  const auto topic = world.create("t");
  world.park_ready(topic, batch_of({record_of("later", world.soon(100'000)),
                                    record_of("soon", world.soon(100))}));
  world.open_delayed(Epoch(3));
  REQUIRE(run_until(world.loop, [&] { return world.stored(topic).size() == 1; }));
  CHECK(world.values(topic) == std::vector<std::string>{"soon"});
  REQUIRE(run_until(world.loop, [&] { return world.waiting() == 1; }));
}

TEST_CASE("delayed records: those of a deleted topic are dropped, another one does not get them") {
  World world;
  const auto topic = world.create("t");
  world.park_ready(
      topic, batch_of({record_of("a", world.soon(100'000)), record_of("b", world.soon(100'000))}));
  bool is_removed = false;
  world.topics->remove("t", [&](const auto& removed) { is_removed = removed.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return is_removed; }));
  const auto other = world.create("t");
  REQUIRE(run_until(world.loop, [&] { return world.waiting() == 0; }));
  CHECK(world.stored(other).empty());
  const auto counted = "xylem_delayed_dropped_total{reason=\"topic_deleted\"} 2";
  CHECK(world.metrics.text().find(counted) != std::string::npos);
}

TEST_CASE("delayed records: what cannot wait is refused") {
  World world;
  const auto topic = world.create("t");
  world.park_ready(topic, batch_of({record_of("a", world.soon(100'000))}));
  const auto refusal = [&](const Buffer& batch) {
    const auto parked = world.park(topic, batch);
    REQUIRE_FALSE(parked);
    return parked.error();
  };
  CHECK(refusal(batch_of({record_of("a", world.soon(9)), record_of("b", 0)})).code() ==
        Errc::kInvalidRequest);
  const auto far = refusal(batch_of({record_of("a", world.soon(kDueAheadMsMax + 60'000))}));
  CHECK(far.code() == Errc::kInvalidRequest);
  CHECK(far.what().find("400 days") != std::string::npos);
  auto timeless = record_of("a", world.soon(9));
  timeless.timestamp_ms = INT64_MAX;
  CHECK(refusal(batch_of({timeless})).code() == Errc::kInvalidRequest);
  auto nonsense = record_of("a", 0);
  nonsense.headers.emplace_back(kDueAtHeader, "tomorrow");
  CHECK(refusal(batch_of({nonsense})).code() == Errc::kInvalidRequest);
  std::optional<Errc> unknown;
  world.delayed->park(topic, PartitionId(1), batch_of({record_of("a", world.soon(9))}), Acks::kAll,
                      [&](const auto& done) { unknown = done.error().code(); });
  CHECK(unknown == Errc::kUnknownTopicOrPartition);
  CHECK(world.waiting() == 1);
}

TEST_CASE("delayed records: so many wait, and no more") {
  World world;
  const auto topic = world.create("t");
  constexpr std::size_t kCount = 5'000;
  const std::vector<Record> records(kCount, record_of("a", world.soon(100'000)));
  const auto batch = batch_of(records);
  world.park_ready(topic, batch);
  while (world.waiting() < broker::Promotions::kParkedMax) REQUIRE(world.park(topic, batch));
  const auto refused = world.park(topic, batch_of({record_of("a", world.soon(100'000))}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kQuotaExceeded);
  world.open_delayed(Epoch(3));  // they are all read back
  REQUIRE(run_until(world.loop, [&] { return world.waiting() > 0; }));
  CHECK(world.waiting() == broker::Promotions::kParkedMax);
}

TEST_CASE("delayed records: a producer is told before anything is sent") {
  World world;
  world.create("t");
  network::Producer producer(world.client_context(), {.brokers = World::addresses()});
  const auto send = [&](const Record& record) {
    const auto sent = producer.send("t", record, [](const auto&) { FAIL("it was refused"); });
    REQUIRE_FALSE(sent);
    return sent.error().code();
  };
  auto nonsense = record_of("a", 0);
  nonsense.headers.emplace_back(kDueAtHeader, std::nullopt);
  CHECK(send(nonsense) == Errc::kInvalidRequest);
  CHECK(send(record_of("a", world.soon(kDueAheadMsMax + 60'000))) == Errc::kInvalidRequest);
}

TEST_CASE("delayed records: whoever does not keep them says who does") {
  World world(kNoEpoch, {.node = "root-1", .tcp = "root-1:9092", .http = {}});
  TopicDefinition topic;
  topic.name = "t";
  topic.incarnation.topic = TopicId::from_words(1, 1);
  const auto parked = world.park(topic, batch_of({record_of("a", world.soon(9))}));
  REQUIRE_FALSE(parked);
  CHECK(parked.error().code() == Errc::kNotLeader);
  CHECK(parked.error().hint() == "root-1:9092");
}

}  // namespace
}  // namespace xylem::testing
