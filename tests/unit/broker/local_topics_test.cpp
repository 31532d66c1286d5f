// A broker's own topics beside those of the cluster.
#include "broker/catalog/local_topics.h"

#include "broker/catalog/topic_admin.h"
#include "common/batch/batch_builder.h"
#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::LocalTopics;
using broker::Partition;
using network::FrameType;

Result<Partition*> open(BrokerWorld& world, const std::string& name) {
  std::optional<Result<Partition*>> answer;
  world.local->find_or_create(name, [&](auto opened) { answer = std::move(opened); });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  return std::move(*answer);
}

Result<std::string> command(BrokerWorld& world, const char* name, const std::string& json) {
  AskingClient client(world);
  auto answer = client.ask(FrameType::kAdmin, network::Admin{name, json});
  if (!answer) return pass(answer);
  return network::decode<network::Admin>(answer->payload.bytes)->json;
}

TEST_CASE("local topics: a broker that owns nothing leads its own, and lists it as such") {
  BrokerWorld world(kNoEpoch, {"root-0", "root-0:9092", "root-0:8081"});
  const auto made = open(world, "t.dlq");
  REQUIRE(made);
  CHECK((*made)->is_leader());
  const auto again = open(world, "t.dlq");
  REQUIRE(again);
  CHECK(*again == *made);
  CHECK(world.local->has((*made)->id().incarnation));
  CHECK(world.topics->is_local("t.dlq"));
  AskingClient client(world);
  const auto answer = client.ask(FrameType::kMetadata, network::MetadataRequest{});
  REQUIRE(answer);
  const auto metadata = *network::decode<network::MetadataAnswer>(answer->payload.bytes);
  REQUIRE(metadata.topics.size() == 1);
  CHECK(metadata.topics.front().is_local);
}

TEST_CASE("local topics: who asks while one is being made, for dead letters, waits for it") {
  BrokerWorld world;
  std::vector<Partition*> opened;
  for (int i = 0; i < 3; ++i) {
    world.local->find_or_create("t.dlq", [&](const auto& made) {
      REQUIRE(made);
      opened.push_back(*made);
    });
  }
  REQUIRE(run_until(world.loop, [&] { return opened.size() == 3; }));
  CHECK(opened[0] != nullptr);
  CHECK(opened[1] == opened[0]);
  CHECK(opened[2] == opened[0]);
  const auto* topic = world.topics->find("t.dlq");
  REQUIRE(topic != nullptr);
  CHECK(world.topics->find(topic->incarnation.topic) == topic);
}

TEST_CASE("local topics: there again after a restart, in a new epoch, with all they had") {
  BrokerWorld world(kNoEpoch);
  const auto made = open(world, "t.dlq");
  REQUIRE(made);
  const auto id = (*made)->id();
  const auto append = [&](Partition& partition) {
    BatchBuilder builder;
    REQUIRE(builder.add(Record{.value = "v"}));
    bool is_done = false;
    partition.append(*builder.build(), broker::Acks::kAll,
                     [&](const auto& appended) { is_done = appended.has_value(); });
    REQUIRE(run_until(world.loop, [&] { return is_done; }));
  };
  append(**made);
  CHECK((*made)->epoch() == Epoch(0));
  world.partitions->forget(id);
  broker::TopicCatalog catalog(
      {world.loop, world.clock, world.random, Logger::none(), *world.partitions}, kNoEpoch);
  LocalTopics again({world.random, Logger::none(), *world.state, *world.storage});
  std::optional<Status> loaded;
  again.load([&](Status done) { loaded = std::move(done); });
  REQUIRE(run_until(world.loop, [&] { return loaded.has_value(); }));
  REQUIRE(*loaded);
  again.start(*world.partitions, catalog);
  REQUIRE(catalog.is_local("t.dlq"));
  auto* partition = world.partitions->find(id);
  REQUIRE(partition != nullptr);
  CHECK(partition->epoch() == Epoch(1));
  CHECK(partition->high_watermark() == Offset(1));
  append(*partition);
  CHECK(partition->log()->epochs().size() == 2);
}

TEST_CASE("local topics: a row that is none is corruption, not an empty list") {
  BrokerWorld world;
  for (const auto* value : {"{}", R"({"name":"u","topicId":"00000000000000000000000000000009"})"}) {
    const auto bytes = bytes_of(value);
    std::optional<Status> written;
    world.state->put("local_topic", "t", Buffer(bytes.begin(), bytes.end()),
                     [&](Status done) { written = std::move(done); });
    LocalTopics again({world.random, Logger::none(), *world.state, *world.storage});
    std::optional<Status> loaded;
    again.load([&](Status done) { loaded = std::move(done); });
    REQUIRE(run_until(world.loop, [&] { return loaded.has_value(); }));
    REQUIRE_FALSE(*loaded);
    CHECK(loaded->error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("local topics: where the cluster has the name none is made; one that comes hides it") {
  BrokerWorld world;
  world.create("a.dlq");
  const auto refused = open(world, "a.dlq");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kAlreadyExists);
  REQUIRE(open(world, "b.dlq"));
  const auto clash = command(world, "topic.create", R"({"name":"b.dlq"})");
  REQUIRE_FALSE(clash);
  CHECK(clash.error().code() == Errc::kAlreadyExists);
  CHECK(clash.error().what().find("local") != std::string::npos);

  broker::TopicDefinition topic;
  topic.name = "b.dlq";
  topic.incarnation.topic = TopicId::from_words(5, 5);
  world.topics->put(topic);
  CHECK_FALSE(world.topics->is_local("b.dlq"));
  CHECK(world.topics->find("b.dlq")->incarnation == topic.incarnation);
  CHECK(world.topics->all().size() == 2);
  world.topics->erase("b.dlq");
  CHECK(world.topics->is_local("b.dlq"));
  topic.is_local = true;  // nobody else's local topic comes by __topics
  topic.name = "c";
  world.topics->put(topic);
  CHECK(world.topics->find("c") == nullptr);
}

TEST_CASE("local topics: names that are none, and too long ones with the suffix, are refused") {
  BrokerWorld world;
  const auto refused = open(world, std::string(300, 'x') + ".dlq");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("local topics: the broker itself alters and deletes them; clients do not write to them") {
  BrokerWorld world(kNoEpoch, {"root-0", "root-0:9092", "root-0:8081"});
  const auto made = open(world, "t.dlq");
  REQUIRE(made);
  const auto id = (*made)->id();
  const auto altered = command(world, "topic.alter", R"({"name":"t.dlq","retentionMs":9})");
  REQUIRE(altered);
  CHECK(world.topics->find("t.dlq")->retention_ms == 9);
  for (const auto* wish :
       {R"({"name":"t.dlq","partitions":2})", R"({"name":"t.dlq","deadLetterAfter":2})",
        R"({"name":"t.dlq","replicas":3})"}) {
    const auto refused = command(world, "topic.alter", wish);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kInvalidRequest);
  }
  CHECK(command(world, "topic.alter", R"({"name":"other","retentionMs":9})").error().code() ==
        Errc::kNotLeader);

  world.leaders[PartitionId(0)] = {"broker", std::string(BrokerWorld::kAddress), {}, kNoEpoch};
  network::Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  std::optional<Errc> code;
  REQUIRE(producer.send("t.dlq", Record{.value = "v"}, [&](const auto& delivered) {
    code = delivered ? Errc::kAlreadyExists : delivered.error().code();
  }));
  REQUIRE(run_until(world.loop, [&] { return code.has_value(); }));
  CHECK(*code == Errc::kUnauthorized);

  REQUIRE(command(world, "topic.delete", R"({"name":"t.dlq"})"));
  CHECK(world.topics->find("t.dlq") == nullptr);
  CHECK(world.partitions->find(id) == nullptr);
  CHECK_FALSE(world.local->has(id.incarnation));
  const auto another = open(world, "t.dlq");
  REQUIRE(another);
  CHECK((*another)->id() != id);
}

}  // namespace
}  // namespace xylem::testing
