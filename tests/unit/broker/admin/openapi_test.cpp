#include "tests/support/openapi.h"

#include "broker/admin/assets.h"
#include "broker/cluster/cluster_orders.h"
#include "broker/cluster/cluster_routes.h"
#include "tests/unit/broker/admin/records_world.h"
#include "tests/unit/broker/admin/stream_peer.h"
#include "tests/unit/broker/cluster/root_tier_world.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::testing {
namespace {

Json document_of(HttpWorld& world) {
  const auto answer = world.ask("GET", "/openapi.json");
  CHECK(answer.status == 200);
  auto document = Json::parse(text_of(answer.body), nullptr, false);
  REQUIRE(document.is_object());
  return document;
}

TEST_CASE("broker openapi: every route is described, and nothing else") {
  broker::testing::RootTierWorld tier;
  HttpWorld world;
  add_cluster_routes(*world.server, *tier.brokers[0]->tier);
  add_order_routes(*world.server, *tier.brokers[0]->tier, world.broker.clock);
  check_routes(document_of(world), world.server->routes());
}

TEST_CASE(
    "broker openapi: every reference leads somewhere, every operation has a name of its own") {
  HttpWorld world;
  check_references(document_of(world));
}

TEST_CASE("broker openapi: the schemas are those of the answers") {
  RecordsWorld world;
  const auto document = document_of(world);
  const auto json = [&](const std::string& method, const std::string& target,
                        const std::string& body = {}) {
    return Json::parse(text_of(world.ask(method, target, body).body), nullptr, false);
  };
  check_fields(document, "StoredMessage",
               json("POST", "/api/v1/messages", R"({"topic":"t","value":"v"})"));
  const auto results = json("POST", "/api/v1/messages/batch",
                            R"({"topic":"t","messages":[{"value":"v"},{"partition":3}]})");
  check_fields(document, "Results", results);
  check_fields(document, "Result", results["results"][0], {"error"});
  check_fields(document, "ResultError", results["results"][1]["error"]);
  world.append(1, "\xff");
  const auto page = world.page("");
  check_fields(document, "Page", page);
  check_fields(document, "Record", page["records"][2], {"keyEncoding"});
  const auto topics = json("GET", "/api/v1/topics");
  check_fields(document, "Topics", topics);
  check_fields(document, "Topic", topics["topics"][0], {"deadLetterAfter", "delivery", "local"});
  check_fields(document, "PartitionState", topics["topics"][0]["partitionState"][0]);
  check_fields(document, "TopicDefinition",
               json("POST", "/api/v1/topics",
                    R"({"name":"other","deadLetterAfter":5,"delivery":"broadcast"})"));
  check_fields(document, "Node", json("GET", "/api/v1/node"), {"refreshes"});
  check_fields(document, "Problem", json("PATCH", "/api/v1/topics/none", "{}"), {"hint"});
  world.drop_before(2);
  check_fields(document, "RangeProblem", world.refusal("?from=0", 416));
}

TEST_CASE("broker openapi: the schemas are those of what is told of groups") {
  RecordsWorld world;
  const auto document = document_of(world);
  const auto json = [&](const std::string& method, const std::string& target,
                        const std::string& body = {}) {
    return Json::parse(text_of(world.ask(method, target, body).body), nullptr, false);
  };
  const auto changes = json("POST", "/api/v1/groups/g/offsets",
                            R"({"offsets":[{"topic":"t","partition":0,"offset":0}]})");
  check_fields(document, "GroupChanges", changes);
  check_fields(document, "GroupChange", changes["offsets"][0], {"instance"});
  broker::Group::Beat beat;
  beat.member = "m";
  beat.topics = {"t"};
  REQUIRE(world.broker.memberships->beat("g", beat, [](const auto&) { return true; }));
  const auto groups = json("GET", "/api/v1/groups");
  check_fields(document, "Groups", groups);
  check_fields(document, "ListedGroup", groups["groups"][0]);
  const auto group = json("GET", "/api/v1/groups/g");
  check_fields(document, "Group", group, {"broadcast"});
  check_fields(document, "GroupMember", group["members"][0]);
  check_fields(document, "GroupOffset", group["offsets"][0], {"deliveries", "instance", "member"});
  world.broker.memberships->leave("g", "m");
  check_fields(document, "GroupDeleted", json("DELETE", "/api/v1/groups/g"));
}

TEST_CASE("broker openapi: the schemas are those of what is told of instances") {
  RecordsWorld world;
  const auto document = document_of(world);
  const auto json = [&](const std::string& method, const std::string& target,
                        const std::string& body = {}) {
    return Json::parse(text_of(world.ask(method, target, body).body), nullptr, false);
  };
  json("PATCH", "/api/v1/topics/t", R"({"delivery":"broadcast"})");
  const std::string reset =
      R"({"instance":"till-7","offsets":[{"topic":"t","partition":0,"offset":0}]})";
  const auto changes = json("POST", "/api/v1/groups/g/offsets", reset);
  check_fields(document, "GroupChange", changes["offsets"][0]);
  const auto group = json("GET", "/api/v1/groups/g");
  check_fields(document, "Group", group);
  check_fields(document, "GroupOffset", group["offsets"][0], {"deliveries", "member"});
  check_fields(document, "GroupForgotten", json("DELETE", "/api/v1/groups/g/instances/till-7"));
}

TEST_CASE("broker openapi: the schemas are those of what is told of delayed messages") {
  RecordsWorld world;
  const auto document = document_of(world);
  const auto due = std::to_string(world.broker.clock.wall_ms() + 60'000);
  const auto stored =
      world.ask("POST", "/api/v1/messages", R"({"topic":"t","value":"v","dueAt":)" + due + "}");
  CHECK(stored.status == 200);
  check_fields(document, "StoredMessage", Json::parse(text_of(stored.body), nullptr, false));
  const auto answer = world.ask("GET", "/api/v1/delayed");
  const auto delayed = Json::parse(text_of(answer.body), nullptr, false);
  check_fields(document, "Delayed", delayed);
  check_fields(document, "DelayedTopic", delayed["topics"][0]);
}

TEST_CASE("broker openapi: the schemas are those of a stream's events") {
  RecordsWorld world;
  const auto document = document_of(world);
  StreamPeer peer(world);
  const auto open = peer.wait_for("open", 1)[0].data;
  check_fields(document, "StreamOpened", open);
  check_fields(document, "StreamPartition", open["partitions"][0]);
  world.append(3);
  const auto id = peer.wait_for("record", 3)[0].id;
  world.drop_before(3);
  StreamPeer again(world, "", id);
  check_fields(document, "StreamGap", again.wait_for("gap", 1)[0].data);
  world.remove_topic();
  check_fields(document, "StreamEnd", again.wait_for("end", 1)[0].data, {"hint"});
  world.topic = world.broker.create("t");
  StreamPeer anew(world, "?reset=latest", id);
  check_fields(document, "StreamReset", anew.wait_for("reset", 1)[0].data);
}

TEST_CASE("broker openapi: the schemas are those of what a root tier tells") {
  broker::testing::RootTierWorld tier;
  const auto topic = tier.create("t");
  REQUIRE(tier.leader(topic.log(0)) != nullptr);
  HttpWorld world;
  const auto document = document_of(world);
  add_cluster_routes(*world.server, *tier.brokers[0]->tier);
  const auto answer = world.ask("GET", "/api/v1/cluster");
  const auto cluster = Json::parse(text_of(answer.body), nullptr, false);
  check_fields(document, "Cluster", cluster);
  check_fields(document, "RootBroker", cluster["brokers"][0]);
  check_fields(document, "PlacedTopic", cluster["topics"][0]);
  check_fields(document, "PlacedPartition", cluster["topics"][0]["partitions"][0]);
}

TEST_CASE("broker openapi: a document that is known is not sent again") {
  network::HttpRequest request;
  const auto* asset = network::find_asset(broker::admin_assets(), "/openapi.json");
  REQUIRE(asset != nullptr);
  CHECK(asset_response(*asset, "no-cache", request).status == 200);
  request.headers["if-none-match"] = asset->etag;
  const auto known = asset_response(*asset, "no-cache", request);
  CHECK(known.status == 304);
  CHECK(known.body.empty());
  CHECK(network::find_asset(broker::admin_assets(), "/other.json") == nullptr);
}

}  // namespace
}  // namespace xylem::testing
