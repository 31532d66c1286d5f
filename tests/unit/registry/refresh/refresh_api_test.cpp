// Refreshes of many nodes over HTTP: what people ask for, and what nodes are told and say.
#include "tests/unit/registry/registry_world.h"

#include <string>
#include <vector>

namespace xylem::registry {
namespace {

using testing::Json;
using testing::json_of;
using testing::RegistryWorld;

constexpr auto kPath = "/api/v1/refreshes";

Json node_json(const std::string& role, const std::string& parent) {
  auto json = testing::report_json();
  json["roleWish"] = role;
  json["parent"] = parent;
  json["topics"] = Json::array({{{"name", "prices"}}});
  return json;
}

// root-0 - l2-0 - l3-0 - pos-0, pos-1; root-0 - l2-1 - l3-1 - pos-2
struct Fleet {
  Fleet() {
    nodes["root-0"] = node_json("ROOT", "");
    nodes["l2-0"] = node_json("L2", "root-0");
    nodes["l2-1"] = node_json("L2", "root-0");
    nodes["l3-0"] = node_json("L3", "l2-0");
    nodes["l3-1"] = node_json("L3", "l2-1");
    nodes["pos-0"] = node_json("POS", "l3-0");
    nodes["pos-1"] = node_json("POS", "l3-0");
    nodes["pos-2"] = node_json("POS", "l3-1");
    for (const auto& [id, node] : nodes) world.put(id, node);
  }

  // What a heartbeat is answered with.
  Json orders(const std::string& id) {
    const auto answer = json_of(world.put(id, nodes.at(id)));
    return answer.contains("refreshes") ? answer["refreshes"] : Json::array();
  }

  void says(const std::string& id, const std::string& refresh, const std::string& state) {
    nodes.at(id)["refreshes"] = Json::array({{{"id", refresh},
                                              {"topic", "prices"},
                                              {"state", state},
                                              {"consumers", {{"total", 2}, {"ready", 1}}},
                                              {"replayed", 40},
                                              {"toReplay", 80},
                                              {"failure", state == "ABORTED" ? "it broke" : ""}}});
    REQUIRE(world.put(id, nodes.at(id)).status == 200);
  }

  HttpAnswer ask(const Json& request) { return world.request("POST", kPath, request.dump()); }

  std::string start(Json request) {
    request["topic"] = "prices";
    const auto answer = ask(request);
    REQUIRE(answer.status == 202);
    const auto id = json_of(answer)["id"].get<std::string>();
    CHECK(answer.header("location") == std::string(kPath) + "/" + id);
    return id;
  }

  Json job(const std::string& id, const std::string& query = "") {
    return json_of(world.get(std::string(kPath) + "/" + id + query));
  }

  std::vector<std::string> ordered() {
    std::vector<std::string> ids;
    for (const auto& [id, node] : nodes)
      if (!orders(id).empty()) ids.push_back(id);
    return ids;
  }

  std::map<std::string, Json> nodes;
  RegistryWorld world;
};

using Ids = std::vector<std::string>;

TEST_CASE("refresh api: a fleet is refreshed tier after tier, without its roots") {
  Fleet fleet;
  const auto id = fleet.start({{"scope", {{"fleet", true}}}, {"who", "ops"}, {"reason", "monday"}});
  CHECK(fleet.ordered() == Ids{"l2-0", "l2-1"});
  const Json order{{"id", id}, {"topic", "prices"}, {"reason", "monday"}, {"stop", false}};
  CHECK(fleet.orders("l2-0") == Json::array({order}));
  fleet.says("l2-0", id, "COMPLETED");
  fleet.says("l2-1", id, "REPLAYING");
  CHECK(fleet.ordered() == Ids{"l2-1"});
  auto job = fleet.job(id);
  CHECK(job["state"] == "RUNNING");
  CHECK(job["who"] == "ops");
  CHECK(job["reason"] == "monday");
  CHECK(job["waves"] == Json{{"total", 3}, {"begun", 1}});
  CHECK(job["nodes"]["total"] == 7);
  CHECK(job["nodes"]["running"] == 1);
  const auto& node = job["page"]["nodes"][1];
  CHECK(node["nodeId"] == "l2-1");
  CHECK(node["phase"] == "REPLAYING");
  CHECK(node["consumers"] == Json{{"total", 2}, {"reset", 0}, {"ready", 1}});
  CHECK(node["replayed"] == 40);
  CHECK(node["toReplay"] == 80);
  fleet.says("l2-1", id, "COMPLETED");
  CHECK(fleet.ordered() == Ids{"l3-0", "l3-1"});
  for (const auto* each : {"l3-0", "l3-1", "pos-0", "pos-1", "pos-2"})
    fleet.says(each, id, "COMPLETED");
  CHECK(fleet.job(id)["state"] == "COMPLETED");
  CHECK(fleet.job(id)["endedAt"].is_number());
  CHECK(fleet.ordered().empty());
}

TEST_CASE("refresh api: a subtree is a node and all below it; a node may be a root") {
  Fleet fleet;
  const auto id = fleet.start({{"scope", {{"subtree", "l3-0"}}}, {"wave", {{"nodes", 1}}}});
  Ids names;
  const auto job = fleet.job(id);
  for (const auto& node : job["page"]["nodes"]) names.push_back(node["nodeId"]);
  CHECK(names == Ids{"l3-0", "pos-0", "pos-1"});
  CHECK(fleet.job(id)["waves"]["total"] == 3);
  fleet.start({{"scope", {{"node", "root-0"}}}});
  CHECK(fleet.ordered() == Ids{"l3-0", "root-0"});
}

TEST_CASE("refresh api: what is wrong is named") {
  Fleet fleet;
  const Json fleet_scope{{"fleet", true}};
  const std::pair<Json, int> cases[] = {
      {{{"scope", fleet_scope}}, 400},
      {{{"topic", "a/b"}, {"scope", fleet_scope}}, 400},
      {{{"topic", "prices"}}, 400},
      {{{"topic", "prices"}, {"scope", {{"fleet", false}}}}, 400},
      {{{"topic", "prices"}, {"scope", {{"fleet", 1}}}}, 400},
      {{{"topic", "prices"}, {"scope", {{"fleet", true}, {"node", "pos-0"}}}}, 400},
      {{{"topic", "prices"}, {"scope", {{"node", "not an id!"}}}}, 400},
      {{{"topic", "prices"}, {"scope", fleet_scope}, {"wave", {{"nodes", 0}}}}, 400},
      {{{"topic", "prices"}, {"scope", fleet_scope}, {"wave", {{"nodes", 1'001}}}}, 400},
      {{{"topic", "prices"}, {"scope", fleet_scope}, {"maxFailures", -1}}, 400},
      {{{"topic", "prices"}, {"scope", fleet_scope}, {"reason", std::string(257, 'x')}}, 400},
      {{{"topic", "prices"}, {"scope", {{"node", "pos-9"}}}}, 404},
      {{{"topic", "prices"}, {"scope", {{"subtree", "pos-9"}}}}, 404},
      {{{"topic", "unknown"}, {"scope", fleet_scope}}, 404},
  };
  for (const auto& [request, status] : cases) {
    CAPTURE(request.dump());
    CHECK(fleet.ask(request).status == status);
  }
  CHECK(fleet.world.get("/api/v1/refreshes/xyz").status == 400);
  CHECK(fleet.world.get("/api/v1/refreshes/00000000000000ff").status == 404);
  CHECK(fleet.world.request("POST", "/api/v1/refreshes/00000000000000ff/stop").status == 404);
  CHECK(fleet.world.get("/api/v1/refreshes?after=00000000000000ff").status == 404);
  CHECK(fleet.world.get("/api/v1/refreshes?limit=0").status == 400);
  CHECK(fleet.world.get("/api/v1/refreshes?what=1").status == 400);
}

TEST_CASE("refresh api: two refreshes of a topic do not meet at a node") {
  Fleet fleet;
  const auto first = fleet.start({{"scope", {{"subtree", "l2-0"}}}});
  const auto refused = fleet.ask({{"topic", "prices"}, {"scope", {{"fleet", true}}}});
  CHECK(refused.status == 409);
  CHECK(json_of(refused)["refresh"] == first);
  const auto second = fleet.start({{"scope", {{"subtree", "l2-1"}}}});
  CHECK(second > first);
  CHECK(fleet.world.request("POST", std::string(kPath) + "/" + first + "/stop").status == 200);
  CHECK(fleet.orders("l2-0")[0]["stop"] == true);
  fleet.says("l2-0", first, "ABORTED");
  CHECK(fleet.job(first)["state"] == "STOPPED");
  CHECK(fleet.start({{"scope", {{"subtree", "l2-0"}}}}) > second);
}

TEST_CASE("refresh api: a stop says who and why, and an ended refresh stays as it is") {
  Fleet fleet;
  const auto id = fleet.start({{"scope", {{"node", "pos-0"}}}});
  const auto stop = std::string(kPath) + "/" + id + "/stop";
  CHECK(fleet.world.request("POST", stop, "[]").status == 400);
  const auto stopping = fleet.world.request("POST", stop, R"({"who":"ops","reason":"too slow"})");
  CHECK(json_of(stopping)["state"] == "STOPPING");
  CHECK(json_of(stopping)["why"] == "stopped by ops: too slow");
  fleet.says("pos-0", id, "ABORTED");
  CHECK(json_of(fleet.world.request("POST", stop))["state"] == "STOPPED");
}

TEST_CASE("refresh api: a failure is shown, and stops the job") {
  Fleet fleet;
  const auto id = fleet.start({{"scope", {{"fleet", true}}}});
  fleet.says("l2-0", id, "ABORTED");
  CHECK(fleet.orders("l2-1")[0]["stop"] == true);
  fleet.says("l2-1", id, "ABORTED");
  const auto job = fleet.job(id, "?state=ABORTED&limit=1");
  CHECK(job["state"] == "FAILED");
  CHECK(job["page"]["total"] == 2);
  CHECK(job["page"]["next"] == 1);
  CHECK(job["page"]["nodes"].size() == 1);
  CHECK(job["page"]["nodes"][0]["failure"] == "it broke");
  CHECK(fleet.job(id, "?state=ABORTED&from=1")["page"]["next"].is_null());
  CHECK(fleet.world.get(std::string(kPath) + "/" + id + "?state=WRONG").status == 400);
  CHECK(text_of(fleet.world.get("/metrics").body)
            .find("xylem_registry_refreshes_total{state=\"FAILED\"} 1") != std::string_view::npos);
}

TEST_CASE("refresh api: the list has those that run first, then the newest") {
  Fleet fleet;
  const auto first = fleet.start({{"scope", {{"node", "pos-0"}}}});
  fleet.world.clock.advance_ms(10);
  const auto second = fleet.start({{"scope", {{"node", "pos-1"}}}});
  fleet.says("pos-1", second, "COMPLETED");
  fleet.world.clock.advance_ms(10);
  const auto third = fleet.start({{"scope", {{"node", "pos-2"}}}});
  const auto page = json_of(fleet.world.get("/api/v1/refreshes?limit=2"));
  REQUIRE(page["refreshes"].size() == 2);
  CHECK(page["refreshes"][0]["id"] == third);
  CHECK(page["refreshes"][1]["id"] == first);
  CHECK(page["next"] == first);
  const auto rest = json_of(fleet.world.get("/api/v1/refreshes?after=" + first));
  REQUIRE(rest["refreshes"].size() == 1);
  CHECK(rest["refreshes"][0]["id"] == second);
  CHECK(rest["next"].is_null());
}

TEST_CASE("refresh api: only so many run at a time") {
  Fleet fleet;
  for (std::size_t i = 0; i < RefreshJobs::kRunningMax; ++i) {
    const auto topic = "t" + std::to_string(i);
    fleet.nodes.at("pos-0")["topics"].push_back({{"name", topic}});
    fleet.world.put("pos-0", fleet.nodes.at("pos-0"));
    REQUIRE(fleet.ask({{"topic", topic}, {"scope", {{"fleet", true}}}}).status == 202);
  }
  CHECK(fleet.ask({{"topic", "prices"}, {"scope", {{"fleet", true}}}}).status == 429);
  CHECK(fleet.orders("pos-0").size() == RefreshJobs::kRunningMax);
}

TEST_CASE("refresh api: a new id is above what nodes know, whoever gave it") {
  Fleet fleet;
  fleet.says("pos-0", "18bcfe5690000000", "COMPLETED");  // a clock that is 256 ms ahead
  CHECK(fleet.start({{"scope", {{"node", "pos-0"}}}}) == "18bcfe5690000001");
}

TEST_CASE("refresh api: a silent node is away") {
  Fleet fleet;
  const auto id = fleet.start({{"scope", {{"subtree", "l3-0"}}}, {"wave", {{"nodes", 1}}}});
  const auto pass_ms = [&](std::int64_t ms) {
    fleet.world.clock.advance_ms(ms);
    fleet.world.put("pos-0", fleet.nodes.at("pos-0"));
    fleet.world.put("pos-1", fleet.nodes.at("pos-1"));
    fleet.world.on_loop([&] {
      fleet.world.service.lapse();
      fleet.world.refreshes.lapse();
    });
  };
  pass_ms(29'000);
  CHECK(fleet.job(id)["nodes"]["away"] == 0);
  pass_ms(1'000);
  CHECK(fleet.job(id)["nodes"]["away"] == 1);
  CHECK(fleet.orders("pos-0").size() == 1);
}

}  // namespace
}  // namespace xylem::registry
