#include "broker/admin/waiting_pages.h"
#include "tests/unit/broker/admin/records_world.h"
#include "tests/unit/network/http/http_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

Json offsets_of(const Json& page) {
  Json offsets = Json::array();
  for (const auto& record : page["records"]) offsets.push_back(record["offset"]);
  return offsets;
}

TEST_CASE("record page: earliest, latest, and any offset between") {
  RecordsWorld world;
  world.append(3);
  CHECK(offsets_of(world.page("?from=earliest")) == Json({0, 1, 2}));
  CHECK(offsets_of(world.page("")) == Json({0, 1, 2}));
  CHECK(offsets_of(world.page("?from=1&limit=1")) == Json({1}));
  CHECK(world.page("?from=1&limit=1")["next"] == 2);
  const auto latest = world.page("?from=latest");
  CHECK(latest["records"].empty());
  CHECK(latest["next"] == 3);
  CHECK(latest["highWatermark"] == 3);
}

TEST_CASE("record page: an offset that is not reached yet is waited for, not refused") {
  RecordsWorld world;
  world.append(1);
  const auto page = world.page("?from=7");
  CHECK(page["records"].empty());
  CHECK(page["next"] == 7);
}

TEST_CASE(
    "record page: what retention removed is refused with the start, unless reset says where") {
  RecordsWorld world;
  world.append(10);
  world.drop_before(6);
  const auto refusal = world.refusal("?from=2", 416);
  CHECK(refusal["code"] == "OFFSET_OUT_OF_RANGE");
  CHECK(refusal["partition"] == 0);
  CHECK(refusal["start"] == 6);
  CHECK(refusal["highWatermark"] == 10);
  CHECK(world.page("?from=2&reset=earliest")["start"] == 6);
  CHECK(world.page("?from=2&reset=latest")["next"] == 10);
  CHECK(world.page("?from=earliest")["start"] == 6);
}

TEST_CASE("record page: maxBytes ends it after a record, and the first one always goes") {
  RecordsWorld world;
  world.append(5, std::string(1'000, 'v'));
  CHECK(world.page("?maxBytes=1")["records"].size() == 1);
  const auto page = world.page("?maxBytes=3000");
  CHECK(page["records"].size() == 2);
  CHECK(page["next"] == 2);
  CHECK(offsets_of(world.page("?from=2")) == Json({2, 3, 4}));
}

TEST_CASE("record page: arguments that are not of their range are named") {
  RecordsWorld world;
  for (const auto* bad :
       {"from=-1", "from=x", "from=", "reset=offset", "reset=", "limit=0", "limit=1001",
        "maxBytes=0", "maxBytes=4194305", "waitMs=-1", "waitMs=60001", "partition=x"}) {
    CAPTURE(bad);
    const std::string query = bad;
    const auto refusal = world.refusal("?" + query, 400);
    CHECK(refusal["detail"].get<std::string>().starts_with(query.substr(0, query.find('='))));
  }
}

TEST_CASE("record page: a long poll answers as soon as there is a record") {
  RecordsWorld world;
  HttpWorld::Answer answer;
  world.begin_to_ask("GET", "/api/v1/topics/t/records?waitMs=60000", {}, answer);
  run_for(world.broker.loop, 50);
  CHECK_FALSE(answer);
  world.append(2);
  REQUIRE(run_until(world.broker.loop, [&] { return answer.has_value(); }));
  REQUIRE(*answer);
  const auto page = Json::parse(text_of((*answer)->body));
  CHECK(offsets_of(page) == Json({0, 1}));
  CHECK(page["next"] == 2);
}

TEST_CASE("record page: a long poll for nothing is an empty page with next") {
  RecordsWorld world;
  world.append(2);
  const auto page = world.page("?from=2&waitMs=30");
  CHECK(page["records"].empty());
  CHECK(page["next"] == 2);
}

TEST_CASE("record page: a long poll below what retention takes meanwhile is told so") {
  RecordsWorld world;
  world.append(2);
  HttpWorld::Answer answer;
  world.begin_to_ask("GET", "/api/v1/topics/t/records?from=2&waitMs=60000", {}, answer);
  run_for(world.broker.loop, 50);
  world.drop_before(9);
  REQUIRE(run_until(world.broker.loop, [&] { return answer.has_value(); }));
  REQUIRE(*answer);
  CHECK((*answer)->status == 416);
}

TEST_CASE("record page: a long poll ends when its topic is deleted") {
  RecordsWorld world;
  HttpWorld::Answer answer;
  world.begin_to_ask("GET", "/api/v1/topics/t/records?waitMs=60000", {}, answer);
  run_for(world.broker.loop, 50);
  world.remove_topic();
  REQUIRE(run_until(world.broker.loop, [&] { return answer.has_value(); }));
  REQUIRE(*answer);
  CHECK((*answer)->status == 404);
}

TEST_CASE("record page: a partition that is elsewhere is named with its broker's HTTP address") {
  RecordsWorld world(2);
  world.broker.leaders[PartitionId(1)] = {
      .node = "root-2", .tcp = "two:9092", .http = "two:8081", .epoch = Epoch(3)};
  world.broker.partitions->forget(world.topic.log(1));
  const auto refusal = world.refusal("?partition=1", 421);
  CHECK(refusal["code"] == "NOT_LEADER");
  CHECK(refusal["hint"] == "two:8081");
  CHECK(refusal["detail"] == R"(root-2 has partition 1 of "t", not this broker)");

  world.broker.leaders[PartitionId(1)].http.clear();
  const auto unknown = world.refusal("?partition=1", 421);
  CHECK_FALSE(unknown.contains("hint"));
  CHECK(unknown["detail"].get<std::string>().find("address is not known") != std::string::npos);

  world.broker.leaders[PartitionId(1)].node = "broker";  // this one: it will have it
  CHECK(world.refusal("?partition=1", 503)["hint"] == "retry");
  CHECK(world.refusal("?partition=2", 404)["code"] == "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_CASE("record page: a broker that owns nothing says who has what it does not carry") {
  HttpWorld world({.node = "root-0", .tcp = "root:9092", .http = "root:8081"});
  broker::TopicDefinition topic;
  topic.name = "prices";
  topic.incarnation = {Uuid::from_words(1, 2), 0};
  world.broker.topics->set_filter([](const auto&) { return false; });
  world.broker.topics->put(topic);
  const auto answer = world.ask("GET", "/api/v1/topics/prices/records");
  CHECK(answer.status == 421);
  CHECK(text_of(answer.body).find(R"("hint":"root:8081")") != std::string::npos);
  CHECK(world.ask("GET", "/api/v1/topics/other/records").status == 404);
}

// More waiters than there may be, on connections of their own.
TEST_CASE(
    "record page: more long polls than may wait are refused, and one that leaves makes room") {
  RecordsWorld world;
  constexpr std::size_t kMax = broker::WaitingPages::kWaitingMax;
  const auto sockets = network::make_tcp_sockets(world.broker.loop, kMax + 2);
  std::vector<std::unique_ptr<network::testing::RawPeer>> peers;
  const auto ask = [&] {
    auto& peer = *peers.emplace_back(std::make_unique<network::testing::RawPeer>());
    sockets->connect({"127.0.0.1", world.port}, 10'000, [&peer](auto opened) {
      REQUIRE(opened);
      peer.stream = std::move(*opened);
      peer.stream->set_events(&peer);
      peer.send("GET /api/v1/topics/t/records?waitMs=60000 HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    REQUIRE(run_until(world.broker.loop, [&] { return peer.stream != nullptr; }));
  };
  for (std::size_t i = 0; i <= kMax; ++i) ask();
  const auto refused = [&] {
    return std::ranges::count_if(peers, [](const auto& peer) { return peer->has("429"); });
  };
  REQUIRE(run_until(world.broker.loop, [&] { return refused() == 1; }));
  const auto waiting =
      std::ranges::find_if(peers, [](const auto& peer) { return !peer->has("429"); });
  peers.erase(waiting);
  CHECK(world.ask("GET", "/api/v1/topics").status == 200);  // the server has seen it go
  ask();
  world.append(1);
  REQUIRE(run_until(world.broker.loop, [&] {
    return std::ranges::count_if(peers, [](const auto& peer) { return peer->has("200 OK"); }) ==
           static_cast<std::ptrdiff_t>(kMax);
  }));
  CHECK(refused() == 1);
}

}  // namespace
}  // namespace xylem::testing
