#include "tests/support/http_world.h"
#include "tests/unit/broker/admin/cold_topic.h"
#include "tests/unit/network/http/http_fixture.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

namespace xylem::testing {
namespace {

Offset end_of(const BrokerWorld& world, const broker::TopicDefinition& topic, std::int32_t p) {
  return world.partitions->find(topic.log(p))->log()->end_offset();
}

TEST_CASE("admin http: records that the disk must bring in first are not waited for by the loop") {
  ColdTopic cold;
  auto& world = cold.world;
  const auto page = "/api/v1/topics/t/records?from=0&limit=2";
  cold.disk.hold(true);
  HttpWorld::Answer answer;
  world.begin_to_ask("GET", page, {}, answer);
  REQUIRE(run_until(world.broker.loop, [&] { return cold.disk.asked > 0; }));
  CHECK_FALSE(answer);
  cold.disk.hold(false);
  REQUIRE(run_until(world.broker.loop, [&] { return answer.has_value(); }));
  REQUIRE(*answer);
  CHECK((*answer)->status == 200);
  CHECK(text_of((*answer)->body).find(R"("next":2,)") != std::string::npos);
  CHECK(world.ask("GET", page).status == 200);
}

TEST_CASE("admin http: a page that waits for the disk is told when its topic goes") {
  ColdTopic cold;
  auto& world = cold.world;
  cold.disk.hold(true);
  HttpWorld::Answer answer;
  world.begin_to_ask("GET", "/api/v1/topics/t/records?from=0", {}, answer);
  REQUIRE(run_until(world.broker.loop, [&] { return cold.disk.asked > 0; }));
  world.broker.topics->remove("t", [](const auto& removed) { REQUIRE(removed); });
  REQUIRE(run_until(world.broker.loop, [&] { return answer.has_value(); }));
  REQUIRE(*answer);
  CHECK((*answer)->status == 404);
}

// Asks for a cold page on a connection of its own, and returns when the disk was asked.
struct WaitingPeer {
  explicit WaitingPeer(ColdTopic& cold)
      : sockets(network::make_tcp_sockets(cold.world.broker.loop, 1)) {
    cold.disk.hold(true);
    sockets->connect({"127.0.0.1", cold.world.port}, 5'000, [this](auto opened) {
      REQUIRE(opened);
      peer.stream = std::move(*opened);
      peer.stream->set_events(&peer);
      peer.send("GET /api/v1/topics/t/records?from=0 HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    REQUIRE(run_until(cold.world.broker.loop, [&] { return cold.disk.asked > 0; }));
  }

  std::unique_ptr<network::Sockets> sockets;
  network::testing::RawPeer peer;
};

TEST_CASE("admin http: who asked for a page that waits for the disk may leave") {
  ColdTopic cold;
  auto& world = cold.world;
  {
    WaitingPeer asked(cold);
    asked.peer.leave();
    CHECK(world.ask("GET", "/api/v1/topics").status == 200);  // the server has seen it go
  }
  cold.disk.hold(false);
  const auto& log = *cold.partition.log();
  REQUIRE(run_until(world.broker.loop, [&] { return log.brought_in() > 0; }));
  CHECK(world.ask("GET", "/api/v1/topics/t/records?from=0").status == 200);
}

TEST_CASE("admin http: the server may go while a page waits for the disk") {
  ColdTopic cold;
  auto& world = cold.world;
  WaitingPeer asked(cold);
  world.server.reset();
  cold.disk.hold(false);
  const auto& log = *cold.partition.log();
  REQUIRE(
      run_until(world.broker.loop, [&] { return log.brought_in() > 0 && asked.peer.has_ended; }));
  CHECK(asked.peer.answers() == 0);
}

TEST_CASE("admin http: records without a key take turns, each topic on its own") {
  HttpWorld world;
  const auto topic = world.broker.create("t", 4);
  const auto other = world.broker.create("other", 2);
  for (int i = 0; i < 8; ++i) {
    REQUIRE(world.produce(R"({"topic":"t","value":"v"})").status == 200);
    if (i < 4) REQUIRE(world.produce(R"({"topic":"other","value":"v"})").status == 200);
  }
  for (std::int32_t p = 0; p < 4; ++p) CHECK(end_of(world.broker, topic, p) == Offset(2));
  for (std::int32_t p = 0; p < 2; ++p) CHECK(end_of(world.broker, other, p) == Offset(2));
}

TEST_CASE("admin http: a query argument that is not known is named, with those that are") {
  HttpWorld world;
  world.broker.create("t");
  CHECK(world.ask("GET", "/api/v1/topics/t/records?partition=0&from=0&limit=1").status == 200);
  const auto answer = world.ask("GET", "/api/v1/topics/t/records?offset=-1");
  CHECK(answer.status == 400);
  const std::string text(text_of(answer.body));
  CHECK(text.find(R"(unknown query argument \"offset\")") != std::string::npos);
  CHECK(text.find("partition from limit") != std::string::npos);
  CHECK(world.ask("GET", "/api/v1/topics?name=t").status == 400);
  CHECK(world.ask("POST", "/api/v1/messages?topic=t", R"({"topic":"t","value":"v"})").status ==
        400);
}

}  // namespace
}  // namespace xylem::testing
