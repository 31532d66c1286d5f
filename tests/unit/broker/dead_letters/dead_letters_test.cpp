// Failed deliveries at a broker, with real consumers: counted, stored as dead letters, left behind.
#include "broker/dead_letters/dead_letters.h"

#include "broker/dead_letters/dead_letter.h"
#include "broker/groups/group_admin.h"
#include "common/batch/batch_builder.h"
#include "network/client/client_session.h"
#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"
#include "tests/unit/broker/delivery/raw_consumer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::DeadLetters;
using broker::DeliveryCount;
using broker::GroupPartition;
using network::Consumer;
using network::FrameType;
using Values = std::vector<std::string>;

const GroupPartition kWhere{"g", "t", PartitionId(0)};

struct World : BrokerWorld {
  explicit World(std::int32_t dead_letter_after = 2) { topic = create("t", 1, dead_letter_after); }

  void produce(const Values& values) {
    network::Producer producer(client_context(), {.brokers = addresses()});
    std::size_t acknowledged = 0;
    for (const auto& value : values) {
      Record record{.key = "k-" + value, .value = value, .headers = {{"trace", "7"}}};
      record.timestamp_ms = 1'234;
      REQUIRE(producer.send("t", std::move(record), [&](const auto& delivered) {
        REQUIRE(delivered);
        ++acknowledged;
      }));
      REQUIRE(run_until(loop, [&] { return acknowledged > 0; }));
    }
    REQUIRE(run_until(loop, [&] { return acknowledged == values.size(); }));
  }

  // What a topic holds, as whoever reads it without a group is given it.
  std::vector<Record> read(const std::string& name, std::size_t count) {
    std::vector<Record> records;
    Consumer::Handlers handlers;
    handlers.message = [&](const auto&, const RecordView& record) -> Status {
      records.push_back(record.to_record());
      return {};
    };
    Consumer consumer(client_context(), {.brokers = addresses(), .topics = {name}}, handlers);
    consumer.start();
    REQUIRE(run_until(loop, [&] { return records.size() >= count; }));
    return records;
  }

  std::optional<Offset> committed() {
    const auto found = offsets->find(kWhere);
    return found ? std::optional(found->next) : std::nullopt;
  }

  bool fail_record(Offset offset, Result<DeadLetters::Outcome>& outcome) {
    std::optional<Result<DeadLetters::Outcome>> answer;
    dead_letters->failed({kWhere, topic.incarnation, offset, "told"},
                         [&](const auto& judged) { answer = judged; });
    if (!run_until(loop, [&] { return answer.has_value(); })) return false;
    outcome = *answer;
    return true;
  }

  broker::TopicDefinition topic;
};

// Of group "g"; its handler fails for what begins with "bad".
struct Member {
  explicit Member(World& world, Consumer::Commit commit = Consumer::Commit::kAutomatic) {
    Consumer::Options options{.brokers = BrokerWorld::addresses(), .group = "g", .shares = false};
    options.topics = {"t"};
    options.commit = commit;
    options.backoff_ms = 1;
    options.retry_schedule = {.first_ms = 1, .max_ms = 2, .doubling_tries = 1};
    Consumer::Handlers handlers;
    handlers.message = [this](const auto&, const RecordView& record) -> Status {
      tried.emplace_back(text_of(*record.value));
      if (tried.back().starts_with("bad")) return fail(Errc::kIo, "cannot: " + tried.back());
      handled.push_back(tried.back());
      return {};
    };
    handlers.error = [this](const Error& error) { errors.push_back(error); };
    consumer.emplace(world.client_context(), options, handlers);
    consumer->start();
  }

  Values tried;
  Values handled;
  std::vector<Error> errors;
  std::optional<Consumer> consumer;
};

// A member of the group that counts deliveries.
struct Killed : RawConsumer {
  explicit Killed(World& world, bool is_manual = false)
      : RawConsumer(world, subscription(is_manual)), incarnation_(world.topic.incarnation) {}

  void acknowledge(Offset next, std::uint32_t credit_bytes = 0) {
    RawConsumer::acknowledge(incarnation_, next, credit_bytes);
  }

 private:
  static network::Subscribe subscription(bool is_manual) {
    auto subscribe = whole("g", "m");
    subscribe.auto_commit = !is_manual;
    return subscribe;
  }

  Incarnation incarnation_;
};

std::string header(const Record& record, const std::string& name) {
  const auto found = std::ranges::find(record.headers, name,
                                       &std::pair<std::string, std::optional<std::string>>::first);
  return found == record.headers.end() ? "" : found->second.value_or("null");
}

TEST_CASE("dead letters: a poison record is tried as often as it may fail, and all else arrives") {
  World world(3);
  world.produce({"a", "bad", "c"});
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return member.handled.size() == 2; }));
  CHECK(member.tried == Values{"a", "bad", "bad", "bad", "c"});
  const auto letters = world.read("t.dlq", 1);
  REQUIRE(letters.size() == 1);
  const auto& letter = letters.front();
  CHECK(letter.key == "k-bad");
  CHECK(letter.value == "bad");
  CHECK(letter.timestamp_ms == 1'234);
  CHECK(header(letter, "trace") == "7");
  CHECK(header(letter, "xylem-dlq-topic") == "t");
  CHECK(header(letter, "xylem-dlq-partition") == "0");
  CHECK(header(letter, "xylem-dlq-offset") == "1");
  CHECK(header(letter, "xylem-dlq-epoch") == "3");
  CHECK(header(letter, "xylem-dlq-group") == "g");
  CHECK(header(letter, "xylem-dlq-reason") == "cannot: bad");
  CHECK(header(letter, "xylem-dlq-deliveries") == "3");
  CHECK_FALSE(header(letter, "xylem-dlq-time").empty());
  CHECK(run_until(world.loop, [&] { return world.committed() == Offset(3); }));
  CHECK(run_until(world.loop, [&] { return world.counts->empty(); }));
  CHECK(world.topics->is_local("t.dlq"));
}

TEST_CASE("dead letters: a record that is handled in the end is counted no more") {
  World world(3);
  world.produce({"a", "b"});
  Killed consumer(world);
  REQUIRE(consumer.is_given(2));
  consumer.die();
  REQUIRE(run_until(world.loop, [&] { return world.counts->find(kWhere) != nullptr; }));
  CHECK(world.counts->find(kWhere)->failures == 1);
  CHECK(world.counts->find(kWhere)->reason.starts_with("the consumer was lost"));
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return member.handled.size() == 2; }));
  CHECK(run_until(world.loop, [&] { return world.counts->empty(); }));
}

TEST_CASE("dead letters: what kills its consumer is the record behind the last one acknowledged") {
  World world(2);
  world.produce({"a", "killer", "c"});
  for (int i = 0; i < 2; ++i) {
    Killed consumer(world);
    REQUIRE(consumer.told->dead_letter_after == 2);
    REQUIRE(consumer.is_given(i == 0 ? 3 : 2));
    CHECK(consumer.given.front() == Offset(i));  // what was acknowledged does not come again
    consumer.acknowledge(Offset(1));
    consumer.die();
    REQUIRE(run_until(world.loop, [&] {
      const auto* count = world.counts->find(kWhere);
      return world.topics->is_local("t.dlq") || (count != nullptr && count->failures == 1u);
    }));
  }
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return !member.handled.empty(); }));
  CHECK(member.tried == Values{"c"});
  const auto letters = world.read("t.dlq", 1);
  CHECK(letters.front().value == "killer");
  CHECK(header(letters.front(), "xylem-dlq-deliveries") == "2");
}

TEST_CASE("dead letters: who says goodbye has not failed, nor who had nothing in hand") {
  World world(1);
  world.produce({"a"});
  {
    Member member(world);
    REQUIRE(run_until(world.loop, [&] { return world.committed() == Offset(1); }));
  }
  {
    Killed consumer(world);
    consumer.die();
  }
  world.produce({"b"});
  {
    Member member(world, Consumer::Commit::kManual);
    member.consumer->pause();
  }
  run_for(world.loop, 50);
  CHECK(world.counts->empty());
  CHECK_FALSE(world.topics->is_local("t.dlq"));
}

TEST_CASE("dead letters: a group that commits as it likes is not given the record again") {
  World world(1);
  world.produce({"a", "bad", "c"});
  {
    Member member(world, Consumer::Commit::kManual);
    REQUIRE(run_until(world.loop, [&] { return member.tried.size() == 3; }));
    CHECK(member.handled == Values{"a", "c"});
  }
  Killed again(world, true);
  REQUIRE(again.is_given(2));
  const auto& given = again.given;
  const bool is_left_out = given == std::vector{Offset(0), Offset(2)};
  // The first member's last acknowledgement may have been behind it: then it is forgotten.
  CHECK((is_left_out || world.counts->empty()));
}

TEST_CASE("dead letters: what was left out stays so until an acknowledgement is behind it") {
  World world(1);
  world.produce({"a", "bad", "c"});
  Killed first(world, true);
  REQUIRE(first.is_given(3));
  first.acknowledge(Offset(1));
  first.die();
  REQUIRE(run_until(world.loop, [&] {
    const auto* count = world.counts->find(kWhere);
    return count != nullptr && count->is_dead;
  }));
  CHECK_FALSE(world.committed());
  Killed second(world, true);
  REQUIRE(second.is_given(2));
  CHECK(second.given == std::vector{Offset(0), Offset(2)});
  second.acknowledge(Offset(3), 1);
  CHECK(run_until(world.loop, [&] { return world.counts->empty(); }));
  CHECK(world.read("t.dlq", 1).size() == 1);
}

TEST_CASE("dead letters: stored after a crash before the record was; not again after one behind") {
  World world(2);
  world.produce({"bad", "c"});
  DeliveryCount count{.offset = Offset(0),
                      .incarnation = world.topic.incarnation,
                      .failures = 2,
                      .reason = "before the crash"};
  bool is_stored_before = false;
  SUBCASE("before") {}
  SUBCASE("behind") {
    is_stored_before = true;
    Result<broker::Partition*> letters = nullptr;
    world.local->find_or_create("t.dlq", [&](auto opened) { letters = std::move(opened); });
    REQUIRE(run_until(world.loop, [&] { return letters && *letters != nullptr; }));
    BatchBuilder builder;
    Record record{.key = "k-bad", .value = "bad"};
    REQUIRE(builder.add(broker::dead_letter(record, Epoch(3), kWhere, count, 1)));
    bool is_there = false;
    (*letters)->append(*builder.build(), broker::Acks::kAll,
                       [&](const auto& appended) { is_there = appended.has_value(); });
    REQUIRE(run_until(world.loop, [&] { return is_there; }));
  }
  world.counts->put(kWhere, count, [](const Status&) {});
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return !member.tried.empty(); }));
  run_for(world.loop, 20);
  CHECK(member.tried == Values{"c"});
  const auto letters = world.read("t.dlq", 1);
  CHECK(letters.size() == 1);
  CHECK(header(letters.front(), "xylem-dlq-reason") == "before the crash");
  CHECK(world.topics->find("t.dlq") != nullptr);
  CHECK(is_stored_before == (header(letters.front(), "xylem-dlq-time") == "1"));
}

TEST_CASE("dead letters: a topic of the cluster in their place is an error; nothing is lost") {
  World world(1);
  world.create("t.dlq");
  world.produce({"bad", "c"});
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return member.tried.size() >= 3; }));
  CHECK(member.handled.empty());
  CHECK(std::ranges::count(member.errors, Errc::kAlreadyExists, &Error::code) > 0);
  std::optional<bool> removed;
  world.topics->remove("t.dlq", [&](const auto& done) { removed = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return removed.has_value(); }));
  REQUIRE(run_until(world.loop, [&] { return !member.handled.empty(); }));
  CHECK(member.handled == Values{"c"});
  CHECK(world.read("t.dlq", 1).front().value == "bad");
}

TEST_CASE("dead letters: what cannot be counted is refused") {
  World world(2);
  world.produce({"a"});
  Result<DeadLetters::Outcome> outcome;
  REQUIRE(world.fail_record(Offset(1), outcome));
  CHECK(outcome.error().code() == Errc::kOffsetOutOfRange);
  std::optional<bool> altered;
  world.topics->alter("t", R"({"deadLetterAfter":0})",
                      [&](const auto& done) { altered = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return altered.has_value(); }));
  REQUIRE(world.fail_record(Offset(0), outcome));
  CHECK(outcome.error().code() == Errc::kInvalidRequest);
  world.topic.incarnation.generation = 9;
  REQUIRE(world.fail_record(Offset(0), outcome));
  CHECK(outcome.error().code() == Errc::kUnknownTopicOrPartition);
  AskingClient client(world);
  const network::DeliveryFailure failure{.group = "g", .topic = "t", .offset = Offset(0)};
  const auto answer = client.ask(FrameType::kDeliveryFailure, failure);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("dead letters: a consumer hears that its topic counts from now on") {
  World world(0);
  world.produce({"a"});
  Member member(world);
  REQUIRE(run_until(world.loop, [&] { return member.handled.size() == 1; }));
  std::optional<bool> altered;
  world.topics->alter("t", R"({"deadLetterAfter":2})",
                      [&](const auto& done) { altered = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return altered.has_value(); }));
  world.produce({"bad", "c"});
  REQUIRE(run_until(world.loop, [&] { return member.handled.size() == 2; }));
  CHECK(member.tried == Values{"a", "bad", "bad", "c"});
}

TEST_CASE("dead letters: a group is described with what has failed of its next record") {
  World world(5);
  world.produce({"a", "b"});
  Killed consumer(world);
  REQUIRE(consumer.is_given(2));
  consumer.acknowledge(Offset(1));
  consumer.die();
  REQUIRE(run_until(world.loop, [&] { return world.committed() == Offset(1); }));
  std::string described;
  REQUIRE(run_until(world.loop, [&] {
    world.group_admin->run("group.describe", R"({"group":"g"})",
                           [&](const auto& answer) { described = answer.value_or(""); });
    return described.find("\"committed\":1") != std::string::npos;
  }));
  CHECK(described.find("\"deliveries\":1") != std::string::npos);
}

// Nothing that is mapped is in memory while it is cold.
class ColdDisk final : public storage::PosixDisk {
 public:
  bool is_resident(Bytes /*mapped*/) override { return !is_cold; }

  Status bring_in(Bytes /*mapped*/) override {
    is_cold.wait(true);
    return {};
  }

  void warm() {
    is_cold = false;
    is_cold.notify_all();
  }

  std::atomic<bool> is_cold = false;
};

TEST_CASE("dead letters: a record that a disk must bring in is stored without being asked for") {
  ColdDisk disk;
  BrokerWorld world(Epoch(3), {}, false, &disk);
  const auto topic = world.create("t", 1, 1);
  auto& partition = *world.partitions->find(topic.log(0));
  constexpr int kBatches = 24;  // the first ones leave the log's tail in memory
  for (int i = 0; i < kBatches; ++i) {
    BatchBuilder builder;
    REQUIRE(builder.add(Record{.key = "k", .value = std::string(512ULL * 1024, 'v')}));
    partition.append(*builder.build(), broker::Acks::kAll,
                     [](const auto& appended) { CHECK(appended); });
  }
  REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
  disk.is_cold = true;
  const auto warm = partition.log()->warm_up(Offset(0), 1);
  REQUIRE(warm);
  REQUIRE_FALSE(*warm);
  std::optional<Result<DeadLetters::Outcome>> outcome;
  world.dead_letters->failed({kWhere, topic.incarnation, Offset(0), "told"},
                             [&](const auto& judged) {
                               outcome = judged;
                               disk.warm();
                             });
  run_for(world.loop, 150);
  CHECK_FALSE(outcome);
  SUBCASE("it is there in the end") {
    disk.warm();
    REQUIRE(run_until(world.loop, [&] { return outcome.has_value(); }));
    REQUIRE(*outcome);
    CHECK((*outcome)->is_dead_lettered);
  }
  SUBCASE("its topic is deleted: it is answered") {
    world.topics->remove("t", [](const auto& removed) { CHECK(removed); });
    REQUIRE(run_until(world.loop, [&] { return outcome.has_value(); }));
    REQUIRE(*outcome);
    CHECK_FALSE((*outcome)->is_dead_lettered);
  }
}

TEST_CASE("dead letters: the first ones of a topic do not refuse each other") {
  World world(1);
  world.produce({"bad"});
  std::vector<Result<DeadLetters::Outcome>> outcomes;
  for (const auto* group : {"g", "h", "i"}) {
    world.dead_letters->failed(
        {{group, "t", PartitionId(0)}, world.topic.incarnation, Offset(0), "told"},
        [&](const auto& outcome) { outcomes.push_back(outcome); });
  }
  REQUIRE(run_until(world.loop, [&] { return outcomes.size() == 3; }));
  for (const auto& outcome : outcomes) {
    REQUIRE(outcome);
    CHECK(outcome->is_dead_lettered);
  }
  CHECK(world.read("t.dlq", 3).size() == 3);
}

TEST_CASE("dead letters: what failed before or behind a dead record does not bring it back") {
  World world(1);
  world.produce({"a", "b", "c"});
  Result<DeadLetters::Outcome> outcome;
  for (const auto offset : {2, 0, 1, 2, 0, 1}) {
    REQUIRE(world.fail_record(Offset(offset), outcome));
    REQUIRE(outcome);
    CHECK(outcome->is_dead_lettered);
  }
  CHECK(world.read("t.dlq", 3).size() == 3);
  CHECK(world.partitions->find(world.topics->find("t.dlq")->log(0))->high_watermark() == Offset(3));
  const auto left_out = [&] {
    return world.dead_letters->left_out(kWhere, world.topic.incarnation);
  };
  CHECK(left_out() == Offset(0));
  world.dead_letters->passed(kWhere, Offset(1));
  CHECK(left_out() == Offset(1));
  world.dead_letters->passed(kWhere, Offset(2));
  CHECK(left_out() == Offset(2));
  world.dead_letters->passed(kWhere, Offset(3));
  CHECK(world.counts->empty());
}

TEST_CASE("dead letters: a record as large as a batch may be does not block its partition") {
  World world(1);
  BatchBuilder builder;
  REQUIRE(builder.add(Record{.key = "k", .value = std::string(kBatchBytesMax - 100, 'v')}));
  bool is_there = false;
  world.partitions->find(world.topic.log(0))
      ->append(*builder.build(), broker::Acks::kAll,
               [&](const auto& appended) { is_there = appended.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return is_there; }));
  Result<DeadLetters::Outcome> outcome;
  REQUIRE(world.fail_record(Offset(0), outcome));
  REQUIRE(outcome);
  CHECK(outcome->is_dead_lettered);
  const auto letters = world.read("t.dlq", 1);
  CHECK(letters.front().key == "k");
  CHECK_FALSE(letters.front().value);
  CHECK(header(letters.front(), "xylem-dlq-left-out") == "value");
}

TEST_CASE("dead letters: counts of a deleted topic go with it") {
  World world(5);
  world.produce({"a"});
  Result<DeadLetters::Outcome> outcome;
  REQUIRE(world.fail_record(Offset(0), outcome));
  CHECK(outcome->deliveries == 1);
  CHECK_FALSE(outcome->is_dead_lettered);
  std::optional<bool> removed;
  world.topics->remove("t", [&](const auto& done) { removed = done.has_value(); });
  REQUIRE(run_until(world.loop, [&] { return removed.has_value(); }));
  CHECK(world.counts->empty());
}

}  // namespace
}  // namespace xylem::testing
