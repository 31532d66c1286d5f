#include "common/batch/batch_builder.h"
#include "network/client/client_session.h"
#include "network/protocol/messages.h"
#include "tests/support/http_world.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using network::Producer;

Record record(const std::string& value) {
  Record made;
  made.value = value;
  return made;
}

Offset topics_end(const BrokerWorld& world) {
  return world.partitions->find(broker::topics_topic().log(0))->log()->end_offset();
}

// What a client that asks no METADATA first gets for DATA.
Result<network::Frame> send_data(BrokerWorld& world, const std::string& topic) {
  network::ClientSession session(world.client_context(), {.brokers = BrokerWorld::addresses()}, {});
  session.start();
  REQUIRE(run_until(world.loop, [&] { return session.is_ready(); }));
  BatchBuilder builder;
  REQUIRE(builder.add(record("v")));
  const network::DataHeader header{
      .topic = topic, .partition = PartitionId(0), .batch_count = 1, .acks = -1};
  const std::array pieces = {Slice::own(network::encode_data_header(header)),
                             Slice::own(*builder.build())};
  std::optional<Result<network::Frame>> answer;
  session.request(network::FrameType::kData, pieces, xylem::testing::kGiveUpMs,
                  [&](const auto& answered) { answer = answered; });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  return *answer;
}

std::vector<std::string> names_that_cannot_be() {
  return {"../../", "", "__mine", "\xff\xfe", std::string(300, 'x')};
}

TEST_CASE("auto create: a produce without asking first creates the topic and is stored") {
  BrokerWorld world(Epoch(3), {}, true);
  CHECK(send_data(world, "new"));
  REQUIRE(world.topics->find("new") != nullptr);
  CHECK(world.partitions->find(world.topics->find("new")->log(0))->high_watermark() == Offset(1));
}

TEST_CASE("auto create: a name that cannot be is refused, and nothing is written") {
  BrokerWorld world(Epoch(3), {}, true);
  for (const auto& name : names_that_cannot_be()) {
    CAPTURE(name);
    const auto answer = send_data(world, name);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == Errc::kInvalidRequest);
    CHECK(topics_end(world) == Offset(0));
  }
}

TEST_CASE("auto create: our own producer, which asks for metadata first, needs no more") {
  BrokerWorld world(Epoch(3), {}, true);
  Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  int stored = 0;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(producer.send("new", record("v"), [&](const auto& delivered) {
      REQUIRE(delivered);
      ++stored;
    }));
  }
  REQUIRE(run_until(world.loop, [&] { return stored == 10; }));
  CHECK(topics_end(world) == Offset(1));
}

TEST_CASE("auto create: metadata creates what is named, once, and leaves bad names unknown") {
  BrokerWorld world(Epoch(3), {}, true);
  std::optional<network::MetadataAnswer> answer;
  network::AdminClient admin(world.client_context(), {.brokers = BrokerWorld::addresses()});
  admin.metadata({"a", "../../", "a", "b"}, [&](const auto& answered) {
    REQUIRE(answered);
    answer = *answered;
  });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  CHECK(answer->topics.size() == 3);
  CHECK(answer->unknown == std::vector<std::string>{"../../"});
  CHECK(topics_end(world) == Offset(2));
}

TEST_CASE("auto create: one METADATA creates no more than its limit") {
  BrokerWorld world(Epoch(3), {}, true);
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= broker::ClientSession::kFirstUsesMax; ++i)
    names.push_back("t" + std::to_string(i));
  std::optional<network::MetadataAnswer> answer;
  network::AdminClient admin(world.client_context(), {.brokers = BrokerWorld::addresses()});
  admin.metadata(names, [&](const auto& answered) {
    REQUIRE(answered);
    answer = *answered;
  });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  CHECK(answer->topics.size() == broker::ClientSession::kFirstUsesMax);
  CHECK(answer->unknown.size() == 1);
}

TEST_CASE("auto create: without the setting metadata creates nothing") {
  BrokerWorld world;
  std::optional<network::MetadataAnswer> answer;
  network::AdminClient admin(world.client_context(), {.brokers = BrokerWorld::addresses()});
  admin.metadata({"a"}, [&](const auto& answered) {
    REQUIRE(answered);
    answer = *answered;
  });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  CHECK(answer->unknown == std::vector<std::string>{"a"});
  CHECK(topics_end(world) == Offset(0));
}

TEST_CASE("auto create: produce over HTTP creates too, where the setting is on") {
  HttpWorld off;
  CHECK(off.produce(R"({"topic":"new","value":"v"})").status == 404);
  HttpWorld on(true);
  CHECK(on.produce(R"({"topic":"new","value":"v"})").status == 200);
  CHECK(on.broker.topics->find("new") != nullptr);
  CHECK(on.produce(R"({"topic":"../../","value":"v"})").status == 400);
  CHECK(on.produce(R"({"topic":"__mine","value":"v"})").status == 400);
  CHECK(topics_end(on.broker) == Offset(1));
}

TEST_CASE("catalog: what could not be read back is not created") {
  BrokerWorld world;
  for (const auto& name : names_that_cannot_be()) {
    CAPTURE(name);
    broker::TopicDefinition request;
    request.name = name;
    std::optional<Error> error;
    world.topics->create(request, [&](const auto& done) {
      REQUIRE_FALSE(done);
      error = done.error();
    });
    REQUIRE(error);
    CHECK(error->code() == Errc::kInvalidRequest);
  }
  broker::TopicDefinition request;
  request.name = "t";
  request.min_insync = 2;
  std::optional<Error> error;
  world.topics->create(request, [&](const auto& done) {
    REQUIRE_FALSE(done);
    error = done.error();
  });
  REQUIRE(error);
  CHECK(topics_end(world) == Offset(0));
}

}  // namespace
}  // namespace xylem::testing
