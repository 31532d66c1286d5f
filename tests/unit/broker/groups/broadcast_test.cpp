// Broadcast topics: the group's machine, commits under an instance or none, and consumers of the
// client library that each get all.
#include "broker/groups/group.h"
#include "network/client/consumer.h"
#include "network/client/producer.h"
#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::Group;
using broker::TopicPartition;
using network::FrameType;

Group::Beat beat_of(const std::string& member, const std::string& instance = {}) {
  Group::Beat beat;
  beat.member = member;
  beat.instance = instance;
  beat.topics = {"t"};
  return beat;
}

void act_upon(Group::Beat& beat, const std::optional<Group::Answer>& answer) {
  REQUIRE(answer);
  beat.owned = answer->assigned;
  beat.generation = answer->generation;
}

void go_on(Group& group, Group::Beat& beat, std::int64_t now_ms) {
  const auto answer = group.beat(beat, now_ms);
  REQUIRE(answer);
  act_upon(beat, *answer);
}

TEST_CASE("broadcast group: each has all at once, and nobody loses anything by another one") {
  Group group({}, 100, true, 0);  // others may have members of it: nobody waits for that
  group.set_partitions({{"shared", 2}}, {{"t", 3}});
  auto a = beat_of("a");
  auto b = beat_of("b");
  b.topics = {"t", "shared"};
  go_on(group, a, 0);
  go_on(group, b, 1);
  CHECK(a.owned.size() == 3);
  CHECK(b.owned.size() == 3);
  CHECK(group.answer_for("b")->broadcast == std::set<std::string>{"t"});
  CHECK(group.owns("a", {"t", PartitionId(1)}));
  CHECK(group.owns("b", {"t", PartitionId(1)}));
  CHECK_FALSE(group.owns("c", {"t", PartitionId(1)}));
  go_on(group, a, 5'000);
  go_on(group, b, 5'000);
  group.tick(Group::Options().settle_ms);
  CHECK(group.take_changed() == std::vector<std::string>{"b"});
  act_upon(b, group.answer_for("b"));
  CHECK(b.owned.size() == 5);
  group.leave("b");
  CHECK(group.owns("a", {"t", PartitionId(2)}));
  CHECK(group.take_changed().empty());
}

TEST_CASE("broadcast group: a topic that becomes broadcast, and one that becomes shared") {
  Group group({}, 100, false, 0);
  group.set_partitions({{"t", 4}});
  auto a = beat_of("a");
  auto b = beat_of("b");
  const auto all_go_on = [&](std::int64_t now_ms) {
    for (int round = 0; round < 4; ++round)
      for (auto* one : {&a, &b}) go_on(group, *one, now_ms);
  };
  all_go_on(0);
  CHECK(a.owned.size() + b.owned.size() == 4);
  auto generation = group.generation();
  const auto had = b.owned;
  group.set_partitions({}, {{"t", 4}});
  CHECK(group.generation() > generation);
  CHECK(group.take_changed() == std::vector<std::string>{"a", "b"});
  for (const auto& partition : had) CHECK(group.owns("b", partition));  // it goes on with it
  all_go_on(1);
  CHECK(a.owned.size() == 4);
  CHECK(b.owned.size() == 4);
  CHECK(group.note("a", {"t", PartitionId(0)}, {Offset(7), {}}));

  generation = group.generation();
  group.set_partitions({{"t", 4}});
  CHECK(group.generation() > generation);
  for (const auto& partition : a.owned) {
    CHECK(group.owns("a", partition));  // until they are evened out, the first one's
    CHECK_FALSE(group.owns("b", partition));
  }
  CHECK_FALSE(group.noted("a", {"t", PartitionId(0)}));
  all_go_on(2);
  CHECK(a.owned.size() == 2);
  CHECK(b.owned.size() == 2);
  for (const auto& partition : b.owned) CHECK_FALSE(a.owned.contains(partition));
}

TEST_CASE("broadcast group: what a member without an instance notes is there as long as it is") {
  Group group({}, 1, false, 0);
  group.set_partitions({}, {{"t", 1}});
  auto a = beat_of("a");
  go_on(group, a, 0);
  const TopicPartition where{"t", PartitionId(0)};
  const Incarnation history{Uuid::from_words(1, 2), 0};
  CHECK(group.note("a", where, {Offset(5), history}));
  CHECK(group.note("a", where, {Offset(5), history}));
  CHECK(group.note("a", where, {Offset(4), history}).error().code() == Errc::kInvalidRequest);
  CHECK(group.noted("a", where)->next == Offset(5));
  CHECK(group.note("a", where, {Offset(1), {history.topic, 1}}));  // of another history
  CHECK(group.describe(0).front().noted.size() == 1);
  group.tick(Group::Options().session_ms);
  CHECK_FALSE(group.noted("a", where));
}

struct Broadcast {
  explicit Broadcast(std::int32_t partitions = 2) {
    broker::TopicDefinition request;
    request.name = "t";
    request.partitions = partitions;
    request.delivery = broker::Delivery::kBroadcast;
    std::optional<Result<broker::TopicDefinition>> made;
    world.topics->create(request, [&](auto created) { made = std::move(created); });
    REQUIRE(run_until(world.loop, [&] { return made.has_value(); }));
    REQUIRE(*made);
    topic = **made;
    producer.emplace(world.client_context(),
                     network::Producer::Options{.brokers = BrokerWorld::addresses()});
  }

  void produce(int count) {
    int acknowledged = 0;
    for (int i = 0; i < count; ++i) {
      Record record;
      record.value = std::to_string(produced_);
      REQUIRE(producer->send_to("t", PartitionId(produced_++ % topic.partitions), record,
                                [&](const auto& done) { acknowledged += done ? 1 : 0; }));
    }
    producer->flush([] {});
    REQUIRE(run_until(world.loop, [&] { return acknowledged == count; }));
  }

  [[nodiscard]] std::optional<Offset> committed(const std::string& instance, int partition) const {
    const auto found = world.offsets->find({"g", "t", PartitionId(partition), instance});
    return found ? std::optional(found->next) : std::nullopt;
  }

  BrokerWorld world{Epoch(1)};
  broker::TopicDefinition topic;
  std::optional<network::Producer> producer;

 private:
  int produced_ = 0;
};

Status commit(AskingClient& client,
              const broker::TopicDefinition& topic,
              const std::string& member,
              const std::string& instance,
              std::int64_t next) {
  return network::expect_type(
      client.ask(FrameType::kCommitOffset, network::CommitOffset{.group = "g",
                                                                 .member = member,
                                                                 .topic = "t",
                                                                 .partition = PartitionId(0),
                                                                 .incarnation = topic.incarnation,
                                                                 .next_offset = Offset(next),
                                                                 .instance = instance}),
      FrameType::kCommitOffset);
}

TEST_CASE("broadcast commits: each instance has its own place, which never goes back") {
  Broadcast it(1);
  it.produce(9);
  AskingClient client(it.world);
  const auto said = [&](const std::string& member, const std::string& instance, int next) {
    const auto done = commit(client, it.topic, member, instance, next);
    return done ? std::optional<Errc>() : std::optional(done.error().code());
  };
  CHECK_FALSE(said("a", "till-1", 3));  // before anybody has joined, as consumers of one partition
  CHECK(said("a", "", 3) == Errc::kStaleGeneration);
  REQUIRE(
      it.world.memberships->beat("g", beat_of("a", "till-1"), [](const auto&) { return true; }));
  REQUIRE(it.world.memberships->beat("g", beat_of("b"), [](const auto&) { return true; }));
  CHECK_FALSE(said("a", "till-1", 5));
  CHECK(said("a", "till-1", 4) == Errc::kInvalidRequest);
  CHECK(said("a", "till-1", 10) == Errc::kInvalidRequest);  // above the end
  CHECK(said("a", "till-2", 6) == Errc::kStaleGeneration);  // not its instance
  CHECK(said("gone", "till-1", 6) == Errc::kStaleGeneration);
  CHECK(said("a", "a\nb", 6) == Errc::kInvalidRequest);
  CHECK_FALSE(said("b", "", 2));
  CHECK(said("b", "", 1) == Errc::kInvalidRequest);
  CHECK(it.committed("till-1", 0) == Offset(5));
  CHECK(it.world.offsets->all().size() == 1);  // what b has is nobody's but b's

  const auto asked = [&](const std::string& member, const std::string& instance) {
    const auto answer = network::answer_as<network::MetadataAnswer>(
        FrameType::kMetadata,
        client.ask(FrameType::kMetadata, network::MetadataRequest{.topics = {"t"},
                                                                  .group = "g",
                                                                  .with_offsets = true,
                                                                  .member = member,
                                                                  .instance = instance}));
    REQUIRE(answer);
    CHECK(answer->topics[0].delivery == network::Delivery::kBroadcast);
    return answer->topics[0].partitions[0].committed;
  };
  CHECK(asked("a", "till-1") == Offset(5));
  CHECK(asked("b", "") == Offset(2));
  CHECK_FALSE(asked("c", ""));
}

TEST_CASE("broadcast commits: there is an end to the instances of a group") {
  broker::OffsetTable table([](const auto&, const auto& done) { done({}); });
  const auto said = [&](const std::string& instance) {
    std::optional<Status> answer;
    table.commit({"g", "t", PartitionId(0), instance}, {Offset(1), {}},
                 [&](const Status& done) { answer = done; });
    REQUIRE(answer);
    return answer->has_value();
  };
  for (std::size_t i = 0; i < broker::OffsetTable::kInstancesMax; ++i)
    REQUIRE(said("till-" + std::to_string(i)));
  CHECK_FALSE(said("one more"));
  CHECK(said("till-1"));
  CHECK(said(""));
  bool is_done = false;
  table.forget({{"g", "t", PartitionId(0), "till-1"}}, [&](const auto& done) { is_done = !!done; });
  CHECK(is_done);
  CHECK(said("one more"));
}

struct Reader {
  Reader(BrokerWorld& world,
         const std::string& instance,
         network::StartAt reset = network::StartAt::kEarliest) {
    network::Consumer::Options options{.brokers = BrokerWorld::addresses(),
                                       .client_id = instance.empty() ? "none" : instance,
                                       .group = "g",
                                       .topics = {"t"}};
    options.instance = instance;
    options.reset = reset;
    network::Consumer::Handlers handlers;
    handlers.message = [this](const auto& batch, const RecordView& record) -> Status {
      offsets[batch.partition].push_back(record.offset.value());
      ++records;
      return {};
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
    handlers.subscribed = [this](const auto& answer) { served = answer.partitions.size(); };
    consumer.emplace(world.client_context(), options, std::move(handlers));
    consumer->start();
  }

  std::map<PartitionId, std::vector<std::int64_t>> offsets;
  std::size_t records = 0;
  std::size_t served = 0;
  std::vector<Error> errors;
  std::optional<network::Consumer> consumer;
};

TEST_CASE("broadcast consumers: each gets every record, and one that comes back goes on") {
  Broadcast it;
  it.produce(10);
  const auto until = [&](const auto& is_so) { return run_until(it.world.loop, is_so); };
  std::vector<std::unique_ptr<Reader>> readers;
  for (const auto* name : {"till-1", "till-2", ""})
    readers.push_back(std::make_unique<Reader>(it.world, name));
  REQUIRE(until([&] {
    return std::ranges::all_of(readers, [](const auto& one) { return one->records == 10; });
  }));
  for (const auto& one : readers) {
    CHECK(one->offsets[PartitionId(0)] == std::vector<std::int64_t>{0, 1, 2, 3, 4});
    CHECK(one->errors.empty());
  }
  REQUIRE(until([&] {
    return it.committed("till-1", 1) == Offset(5) && it.committed("till-2", 0) == Offset(5);
  }));
  readers[0].reset();
  readers[2].reset();
  it.produce(4);
  readers[0] = std::make_unique<Reader>(it.world, "till-1");
  readers[2] = std::make_unique<Reader>(it.world, "");
  REQUIRE(until([&] { return readers[0]->records == 4 && readers[2]->records == 14; }));
  CHECK(readers[0]->offsets[PartitionId(1)].front() == 5);
  REQUIRE(until([&] { return readers[1]->records == 14; }));
}

TEST_CASE("broadcast consumers: a topic that becomes shared is shared, and broadcast again") {
  Broadcast it(4);
  const auto until = [&](const auto& is_so) { return run_until(it.world.loop, is_so); };
  const auto alter = [&](const std::string& json) {
    std::optional<bool> altered;
    it.world.topics->alter("t", json, [&](const auto& done) { altered = done.has_value(); });
    REQUIRE(until([&] { return altered.has_value(); }));
    REQUIRE(*altered);
  };
  Reader a(it.world, "till-1");
  Reader b(it.world, "till-2");
  it.produce(8);
  REQUIRE(until([&] { return a.records == 8 && b.records == 8; }));
  REQUIRE(until([&] {
    return std::ranges::all_of(std::vector{0, 1, 2, 3}, [&](int partition) {
      return it.committed("till-1", partition) == Offset(2) &&
             it.committed("till-2", partition) == Offset(2);
    });
  }));
  alter(R"({"delivery":"shared"})");
  REQUIRE(until([&] { return a.served == 2 && b.served == 2; }));
  it.produce(8);
  REQUIRE(until([&] { return a.records + b.records >= 24; }));
  CHECK(a.records == 12);
  CHECK(b.records == 12);
  alter(R"({"delivery":"broadcast"})");
  REQUIRE(until([&] { return a.served == 4 && b.served == 4; }));
  it.produce(4);
  const auto has_last = [](const Reader& one) {
    return std::ranges::all_of(one.offsets, [](const auto& of) { return of.second.back() == 4; });
  };
  REQUIRE(until([&] { return has_last(a) && has_last(b); }));
}

}  // namespace
}  // namespace xylem::testing
