#include "tests/unit/broker/admin/records_world.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::testing {
namespace {

// Of four partitions this broker leads 0 and 2; root-1 leads 1, root-3 leads 3.
struct SharedTopic : RecordsWorld {
  SharedTopic() : RecordsWorld(4) {
    broker.leaders[PartitionId(1)] = {
        .node = "root-1", .tcp = "one:9092", .http = "one:8081", .epoch = Epoch(4)};
    broker.leaders[PartitionId(3)] = {
        .node = "root-3", .tcp = "three:9092", .http = "three:8081", .epoch = Epoch(4)};
    broker.partitions->forget(topic.log(1));  // not here at all
    partition(3).stop_leading();              // a copy is
  }
};

TEST_CASE(
    "message routes: of a batch each record is stored, or told where its partition's leader is") {
  SharedTopic world;
  const auto answer = world.ask("POST", "/api/v1/messages/batch",
                                R"({"topic":"t","messages":[{"value":"a","partition":0},)"
                                R"({"value":"b","partition":1},{"value":"c","partition":2},)"
                                R"({"value":"d","partition":3},{"value":"e","partition":0},)"
                                R"({"value":"f","partition":9}]})");
  CHECK(answer.status == 200);
  const auto results = Json::parse(text_of(answer.body))["results"];
  REQUIRE(results.size() == 6);
  CHECK(results[0] == Json({{"partition", 0}, {"offset", 0}, {"replicasSynced", 1}}));
  CHECK(results[2] == Json({{"partition", 2}, {"offset", 0}, {"replicasSynced", 1}}));
  CHECK(results[4] == Json({{"partition", 0}, {"offset", 1}, {"replicasSynced", 1}}));
  CHECK(results[1]["error"]["code"] == "NOT_LEADER");
  CHECK(results[1]["error"]["hint"] == "one:8081");
  CHECK(results[3]["error"]["code"] == "NOT_LEADER");
  CHECK(results[3]["error"]["hint"] == "three:8081");
  CHECK(results[3]["error"]["detail"] == R"(root-3 leads partition 3 of "t", not this broker)");
  CHECK(results[5]["error"]["code"] == "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_CASE("message routes: one message for another broker's partition is refused with its leader") {
  SharedTopic world;
  const auto answer = world.produce(R"({"topic":"t","value":"v","partition":1})");
  CHECK(answer.status == 421);
  CHECK(Json::parse(text_of(answer.body))["hint"] == "one:8081");
  world.broker.leaders[PartitionId(1)].http.clear();
  const auto unknown =
      Json::parse(text_of(world.produce(R"({"topic":"t","value":"v","partition":1})").body));
  CHECK_FALSE(unknown.contains("hint"));
  CHECK(unknown["detail"].get<std::string>().starts_with("root-1 leads partition 1"));
}

TEST_CASE("message routes: what may go anywhere takes turns over what is led here") {
  SharedTopic world;
  for (int i = 0; i < 6; ++i) CHECK(world.produce(R"({"topic":"t","value":"v"})").status == 200);
  CHECK(world.partition(0).log()->end_offset() == Offset(3));
  CHECK(world.partition(2).log()->end_offset() == Offset(3));
}

TEST_CASE("message routes: where nobody leads it is said to try again") {
  SharedTopic world;
  world.broker.leaders[PartitionId(1)] = {};
  const auto answer = world.produce(R"({"topic":"t","value":"v","partition":1})");
  CHECK(answer.status == 503);
  CHECK(Json::parse(text_of(answer.body))["hint"] == "retry");
}

TEST_CASE("message routes: nobody writes to the broker's own topics") {
  RecordsWorld world;
  world.broker.topics->put(broker::group_offsets_topic());
  const auto answer = world.produce(R"({"topic":"__group_offsets","key":"k","value":"v"})");
  CHECK(answer.status == 403);
  const auto log = broker::group_offsets_topic().log(0);
  CHECK(world.broker.partitions->find(log)->log()->end_offset() == Offset(0));
}

}  // namespace
}  // namespace xylem::testing
