// Operators' commands about groups: what they tell, and what a reset does and does not.
#include "broker/groups/group_admin.h"

#include "tests/support/broker_world.h"
#include "tests/support/http_world.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace xylem::testing {
namespace {

using Json = nlohmann::json;

Result<Json> ask(BrokerWorld& world, const std::string& command, const Json& request) {
  std::optional<Result<std::string>> answer;
  world.group_admin->run(command, request.dump(), [&](auto done) { answer = std::move(done); });
  REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
  if (!*answer) return std::unexpected(answer->error());
  return Json::parse(**answer);
}

Errc refused(BrokerWorld& world, const std::string& command, const Json& request) {
  const auto answer = ask(world, command, request);
  REQUIRE_FALSE(answer);
  return answer.error().code();
}

void commit(BrokerWorld& world, const broker::TopicDefinition& topic, std::int64_t next) {
  std::optional<Status> done;
  world.offsets->commit({"g", topic.name, PartitionId(0)}, {Offset(next), topic.incarnation},
                        [&](const Status& status) { done = status; });
  REQUIRE(run_until(world.loop, [&] { return done.has_value(); }));
  REQUIRE(*done);
}

void join(BrokerWorld& world) {
  broker::Group::Beat beat;
  beat.member = "m";
  beat.client = "till";
  beat.topics = {"t"};
  REQUIRE(world.memberships->beat("g", beat, [](const auto&) { return true; }));
}

// So many records in partition 0.
void fill(BrokerWorld& world, const broker::TopicDefinition& topic, int count) {
  network::Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  int acknowledged = 0;
  for (int i = 0; i < count; ++i) {
    const Record record{.key = {}, .value = "v", .headers = {}};
    REQUIRE(
        producer.send_to(topic.name, PartitionId(0), record, [&](const auto&) { ++acknowledged; }));
  }
  REQUIRE(run_until(world.loop, [&] { return acknowledged == count; }));
}

Json reset_to(std::int64_t offset) {
  return {{"group", "g"}, {"offsets", {{{"topic", "t"}, {"partition", 0}, {"offset", offset}}}}};
}

std::optional<Offset> committed(const BrokerWorld& world) {
  const auto found = world.offsets->find({"g", "t", PartitionId(0)});
  return found ? std::optional(found->next) : std::nullopt;
}

TEST_CASE("group admin: groups are listed with members, with offsets, or with both") {
  BrokerWorld world(Epoch(1));
  const auto topic = world.create("t", 2);
  CHECK((*ask(world, "group.list", Json::object()))["groups"].empty());
  commit(world, topic, 0);
  auto groups = (*ask(world, "group.list", Json::object()))["groups"];
  REQUIRE(groups.size() == 1);
  CHECK(groups[0]["group"] == "g");
  CHECK(groups[0]["members"] == 0);
  CHECK(groups[0]["topics"] == Json{"t"});
  join(world);
  groups = (*ask(world, "group.list", Json::object()))["groups"];
  REQUIRE(groups.size() == 1);
  CHECK(groups[0]["members"] == 1);
  CHECK(groups[0]["assignor"] == "sticky");
}

TEST_CASE("group admin: a group is described by its members and what it has committed") {
  BrokerWorld world(Epoch(1));
  const auto topic = world.create("t");
  CHECK(refused(world, "group.describe", {{"group", "g"}}) == Errc::kNotFound);
  commit(world, topic, 0);
  join(world);
  const auto group = *ask(world, "group.describe", {{"group", "g"}});
  REQUIRE(group["members"].size() == 1);
  CHECK(group["members"][0]["client"] == "till");
  CHECK(group["offsets"] ==
        Json::parse(R"([{"topic":"t","partition":0,"committed":0,"end":0,"lag":0}])"));
}

TEST_CASE("group admin: a reset goes back as well, is durable, and can be tried first") {
  BrokerWorld world(Epoch(1));
  const auto topic = world.create("t");
  fill(world, topic, 10);
  commit(world, topic, 7);
  auto dry = reset_to(3);
  dry["dryRun"] = true;
  const auto tried = *ask(world, "group.reset", dry);
  CHECK(tried["offsets"][0]["before"] == 7);
  CHECK(tried["offsets"][0]["offset"] == 3);
  CHECK(committed(world) == Offset(7));
  CHECK(ask(world, "group.reset", reset_to(3)));
  CHECK(committed(world) == Offset(3));
  CHECK(world.offsets->all().front().second.next == Offset(3));  // of what is durable
}

TEST_CASE("group admin: a group with members is not reset, nor to what is not there") {
  BrokerWorld world(Epoch(1));
  fill(world, world.create("t"), 10);
  join(world);
  CHECK(refused(world, "group.reset", reset_to(3)) == Errc::kInvalidRequest);
  world.memberships->leave("g", "m");
  CHECK(ask(world, "group.reset", reset_to(3)));
  auto request = reset_to(3);
  request["offsets"][0]["partition"] = 1;
  CHECK(refused(world, "group.reset", request) == Errc::kUnknownTopicOrPartition);
  request["offsets"][0] = {{"topic", "u"}, {"partition", 0}, {"offset", 0}};
  CHECK(refused(world, "group.reset", request) == Errc::kUnknownTopicOrPartition);
  CHECK(refused(world, "group.reset", {{"group", "g"}, {"offsets", Json::array()}}) ==
        Errc::kInvalidRequest);
  CHECK(refused(world, "group.reset", reset_to(-1)) == Errc::kInvalidRequest);
  CHECK(refused(world, "group.restart", Json::object()) == Errc::kInvalidRequest);
}

TEST_CASE("group admin: where a partition begins and ends, and where a time is in it") {
  HttpWorld http;
  auto& world = http.broker;
  world.create("t", 2);
  for (const auto* record : {R"({"topic":"t","partition":1,"value":"a","timestamp":1000})",
                             R"({"topic":"t","partition":1,"value":"b","timestamp":2000})"})
    REQUIRE(http.produce(record).status == 200);
  const auto ends = (*ask(world, "partition.offsets", {{"topic", "t"}}))["partitions"];
  CHECK(ends[1] == Json::parse(R"({"partition":1,"start":0,"highWatermark":2})"));
  for (const auto& [time, offset] : {std::pair(500, 0), std::pair(1001, 1), std::pair(9000, 2)}) {
    const Json request{{"topic", "t"}, {"timestampMs", time}};
    CHECK((*ask(world, "partition.offsets", request))["partitions"][1]["offset"] == offset);
  }
  CHECK(refused(world, "partition.offsets", {{"topic", "u"}}) == Errc::kUnknownTopicOrPartition);
  CHECK(refused(world, "partition.offsets", {{"topic", "t"}, {"time", 1}}) ==
        Errc::kInvalidRequest);
}

TEST_CASE("group admin: no offset above the end, and no name that is not UTF-8") {
  BrokerWorld world(Epoch(1));
  world.create("t");
  CHECK(refused(world, "group.reset", reset_to(1)) == Errc::kOffsetOutOfRange);
  HttpWorld http;
  const auto topic = http.broker.create("t");
  std::optional<Status> done;
  http.broker.offsets->commit({"g\xff", "t", PartitionId(0)}, {Offset(0), topic.incarnation},
                              [&](const Status& status) { done = status; });
  REQUIRE(done);
  CHECK(done->error().code() == Errc::kInvalidRequest);
  const auto answer = http.ask("GET", "/api/v1/groups/%ff");
  CHECK(answer.status == 404);
  CHECK(Json::accept(text_of(answer.body)));
  CHECK(http.ask("DELETE", "/api/v1/topics/%ff").status == 404);
}

TEST_CASE("group admin: what is nested without end is refused") {
  HttpWorld http;
  const std::string deep(1'000'000, '[');
  const auto value = R"({"topic":"t","value":)" + deep + std::string(deep.size(), ']') + "}";
  CHECK(http.ask("POST", "/api/v1/messages", value).status == 400);
  CHECK(http.ask("POST", "/api/v1/groups/g/offsets", value).status == 400);
  CHECK(http.ask("PATCH", "/api/v1/topics/t", value).status == 400);
}

TEST_CASE("group admin: how far a group is behind is told where the end is known") {
  BrokerWorld world(Epoch(1));
  const auto topic = world.create("t");
  fill(world, topic, 10);
  commit(world, topic, 7);
  const auto offset = (*ask(world, "group.describe", {{"group", "g"}}))["offsets"][0];
  CHECK(offset["end"] == 10);
  CHECK(offset["lag"] == 3);
}

TEST_CASE("group admin: a reset says that the group is new, which it may be") {
  BrokerWorld world(Epoch(1));
  fill(world, world.create("t"), 10);
  auto dry = reset_to(3);
  dry["dryRun"] = true;
  CHECK((*ask(world, "group.reset", dry))["new"] == true);
  CHECK((*ask(world, "group.reset", reset_to(3)))["new"] == true);
  CHECK((*ask(world, "group.reset", reset_to(4)))["new"] == false);
}

TEST_CASE("group admin: a group is deleted, for good, unless it has members") {
  BrokerWorld world(Epoch(1));
  fill(world, world.create("t", 2), 10);
  const Json request{{"group", "g"}};
  CHECK(refused(world, "group.delete", request) == Errc::kNotFound);
  REQUIRE(ask(world, "group.reset", reset_to(3)));
  auto other = reset_to(4);
  other["group"] = "g2";
  REQUIRE(ask(world, "group.reset", other));
  join(world);
  CHECK(refused(world, "group.delete", request) == Errc::kInvalidRequest);
  CHECK(committed(world) == Offset(3));
  world.memberships->leave("g", "m");
  CHECK(*ask(world, "group.delete", request) == Json::parse(R"({"group":"g","offsets":1})"));
  CHECK_FALSE(committed(world));
  CHECK(refused(world, "group.delete", request) == Errc::kNotFound);
  CHECK(refused(world, "group.describe", request) == Errc::kNotFound);
  CHECK(refused(world, "group.delete", Json::object()) == Errc::kInvalidRequest);
  broker::LocalOffsets reopened(*world.state);
  std::optional<Status> loaded;
  reopened.load([&](const Status& done) { loaded = done; });
  REQUIRE(run_until(world.loop, [&] { return loaded.has_value(); }));
  REQUIRE(reopened.all().size() == 1);
  CHECK(reopened.all().front().first.group == "g2");
}

TEST_CASE("group admin: a reset to an end, or to a moment") {
  HttpWorld http;
  auto& world = http.broker;
  world.create("t", 2);
  for (const auto* record : {R"({"topic":"t","partition":1,"value":"a","timestamp":1000})",
                             R"({"topic":"t","partition":1,"value":"b","timestamp":61000})"})
    REQUIRE(http.produce(record).status == 200);
  const auto reset = [&](const Json& to, const Json& more = Json::object()) {
    Json request{{"group", "g"}, {"topic", "t"}, {"to", to}};
    request.update(more);
    return ask(world, "group.reset", request);
  };
  const auto offset_in = [](const Result<Json>& answer, std::size_t partition) {
    REQUIRE(answer);
    REQUIRE((*answer)["offsets"].size() == 2);
    return (*answer)["offsets"][partition]["offset"].get<int>();
  };
  CHECK(offset_in(reset("latest", {{"dryRun", true}}), 1) == 2);
  CHECK_FALSE(world.offsets->find({"g", "t", PartitionId(1)}));
  CHECK(offset_in(reset("latest"), 1) == 2);
  CHECK(offset_in(reset("latest"), 0) == 0);
  CHECK(offset_in(reset("earliest"), 1) == 0);
  CHECK(offset_in(reset("1970-01-01T00:00:02Z"), 1) == 1);
  CHECK(offset_in(reset(2'000), 1) == 1);
  CHECK(offset_in(reset("2000"), 1) == 1);
  CHECK(offset_in(reset("1m"), 1) == 2);  // ago: nothing is that young
  const auto one = reset("latest", {{"partition", 1}});
  REQUIRE(one);
  CHECK((*one)["offsets"].size() == 1);
  CHECK(world.offsets->find({"g", "t", PartitionId(1)})->next == Offset(2));

  for (const auto& wrong : {Json("soon"), Json(-1), Json(1.5), Json(nullptr), Json("-1")})
    CHECK(reset(wrong).error().code() == Errc::kInvalidRequest);
  CHECK(reset("latest", {{"partition", 2}}).error().code() == Errc::kUnknownTopicOrPartition);
  CHECK(reset("latest", {{"topic", "u"}}).error().code() == Errc::kUnknownTopicOrPartition);
  CHECK(reset("latest", {{"offsets", Json::array()}}).error().code() == Errc::kInvalidRequest);
  auto both = reset_to(0);
  both["topic"] = "t";
  CHECK(refused(world, "group.reset", both) == Errc::kInvalidRequest);
}

TEST_CASE("group admin: the same over HTTP") {
  HttpWorld http;
  const auto topic = http.broker.create("t");
  fill(http.broker, topic, 10);
  commit(http.broker, topic, 7);
  CHECK(text_of(http.ask("GET", "/api/v1/groups").body).find(R"("group":"g")") !=
        std::string::npos);
  CHECK(text_of(http.ask("GET", "/api/v1/groups/g").body).find(R"("committed":7)") !=
        std::string::npos);
  CHECK(http.ask("GET", "/api/v1/groups/nobody").status == 404);
  const auto body = R"({"offsets":[{"topic":"t","partition":0,"offset":2}]})";
  CHECK(http.ask("POST", "/api/v1/groups/g/offsets", body).status == 200);
  CHECK(committed(http.broker) == Offset(2));
  CHECK(http.ask("POST", "/api/v1/groups/g/offsets", "[]").status == 400);
  const auto to = http.ask("POST", "/api/v1/groups/g/offsets", R"({"topic":"t","to":"latest"})");
  CHECK(to.status == 200);
  CHECK(committed(http.broker) == Offset(10));
  join(http.broker);
  CHECK(http.ask("DELETE", "/api/v1/groups/g").status == 400);
  http.broker.memberships->leave("g", "m");
  CHECK(http.ask("DELETE", "/api/v1/groups/g").status == 200);
  CHECK(http.ask("DELETE", "/api/v1/groups/g").status == 404);
}

}  // namespace
}  // namespace xylem::testing
