#include "tests/support/http_world.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::testing {
namespace {

Offset end_of(const BrokerWorld& world, const broker::TopicDefinition& topic, std::int32_t p) {
  return world.partitions->find(topic.log(p))->log()->end_offset();
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
