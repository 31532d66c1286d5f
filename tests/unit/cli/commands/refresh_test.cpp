#include "cli/commands/refresh.h"

#include "cli/commands/refresh_picture.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

const Json& job() {
  static const Json kJob = Json::parse(R"json({
    "id": "00000000000000ff", "topic": "prices", "scope": {"subtree": "l2-1"},
    "wave": {"nodes": 2}, "maxFailures": 1, "reason": "monday", "who": "ops", "state": "RUNNING",
    "why": "", "startedAt": 1000, "endedAt": null, "waves": {"total": 3, "begun": 2},
    "lastRound": false,
    "nodes": {"total": 5, "waiting": 1, "ordered": 1, "running": 1, "completed": 1, "aborted": 0,
              "away": 1, "notBegun": 0},
    "page": {"from": 0, "total": 5, "next": 2,
      "waves": [{"wave": 1, "tier": "L2", "state": "ENDED",
                 "nodes": {"total": 1, "completed": 1}}],
      "nodes": [{"nodeId": "l2-1", "tier": "L2", "wave": 1, "state": "COMPLETED",
                 "phase": "COMPLETED", "consumers": {"total": 4, "reset": 4, "ready": 4},
                 "replayed": 90, "toReplay": 90, "failure": ""},
                {"nodeId": "pos-1", "tier": "POS", "wave": 2, "state": "RUNNING",
                 "phase": "REPLAYING", "consumers": {"total": 2, "reset": 2, "ready": 0},
                 "replayed": 30, "toReplay": 90, "failure": ""}]}})json");
  return kJob;
}

const Json& at_broker() {
  static const Json kRefresh = Json::parse(R"json({
    "id": "00000000000000fe", "topic": "prices", "state": "REPLAYING", "reason": "by hand",
    "startedBy": "ops", "startedAt": 1000, "endedAt": null,
    "consumers": {"total": 3, "reset": 3, "ready": 1}, "owed": 0, "barrier": [60, 40],
    "replayed": [30, 20], "failure": ""})json");
  return kRefresh;
}

constexpr std::int64_t kNow = 61'000;

TEST_CASE("refresh: what it is, its waves and its nodes") {
  const auto text = refresh_text(job().dump(), kNow);
  REQUIRE(text);
  CHECK(text->starts_with(
      "refresh 00000000000000ff of prices  RUNNING\n"
      "started 1 min ago by ops: monday\n"
      "subtree l2-1, waves of 2 nodes, 1 may fail\n"
      "wave 2 of 3: 1 of 5 nodes completed, 1 running, 1 told to begin, 1 away\n"));
  CHECK(text->contains("pos-1  2     RUNNING    REPLAYING  0/2              33 %"));
  CHECK(text->contains("the first 2 of 5 nodes; --state shows"));
}

TEST_CASE("refresh: one broker's has no nodes") {
  const auto text = refresh_text(at_broker().dump(), kNow);
  REQUIRE(text);
  CHECK(text->contains("1/3 consumers ready, 50 % replayed"));
  CHECK_FALSE(text->contains("WAVE"));
}

TEST_CASE("refresh: a list has the registry's or a broker's") {
  const auto text = refresh_list_text(Json{{"refreshes", {job(), at_broker()}}}.dump(), kNow);
  REQUIRE(text);
  CHECK(text->contains("00000000000000ff  prices  RUNNING    subtree l2-1  1 min ago"));
  CHECK(text->contains("00000000000000fe  prices  REPLAYING  this broker   1 min ago"));
  CHECK(refresh_list_text(R"({"refreshes":[]})", kNow) == "no refreshes\n");
}

TEST_CASE("refresh: only what completed everywhere is good") {
  const auto end_of = [](const std::string& state) {
    auto json = job();
    json["state"] = state;
    const auto look = refresh_look(json.dump());
    REQUIRE(look);
    CHECK(look->id == "00000000000000ff");
    return look->end;
  };
  for (const char* runs : {"RUNNING", "STOPPING", "FAILING", "RESET_SENT", "REPLAYING"})
    CHECK_FALSE(end_of(runs));
  CHECK(end_of("COMPLETED") == ExitCode::kOk);
  for (const char* bad : {"PARTIAL", "STOPPED", "FAILED", "ABORTED"})
    CHECK(end_of(bad) == ExitCode::kFailed);
}

TEST_CASE("refresh: documents of any kind do no harm") {
  for (const std::string text : {"", "[]", "{", R"({"page":7,"nodes":[],"state":{}})"}) {
    CAPTURE(text);
    CHECK_FALSE(refresh_look(text));
    static_cast<void>(refresh_text(text, kNow));
    static_cast<void>(refresh_list_text(text, kNow));
  }
  auto json = job();
  json["nodes"]["total"] = "many";
  json["page"]["waves"] = {1, "x", Json::array()};
  json["page"]["nodes"] = {{{"nodeId", 7}, {"consumers", 3}, {"toReplay", -1}}};
  CHECK(refresh_text(json.dump(), kNow));
}

TEST_CASE("refresh: the request says where, and how carefully") {
  RefreshOptions options;
  options.topic = "prices";
  options.subtree = "l2-1";
  options.wave_nodes = 7;
  options.failures_max = 2;
  options.reason = "monday";
  CHECK(Json::parse(refresh_request(options, "ops")) == Json::parse(R"({
    "topic": "prices", "scope": {"subtree": "l2-1"}, "wave": {"nodes": 7}, "maxFailures": 2,
    "reason": "monday", "who": "ops"})"));
  options.broker_url = "http://pos-1:8081";
  CHECK(Json::parse(refresh_request(options, "ops")) ==
        Json{{"topic", "prices"}, {"reason", "monday"}, {"by", "ops"}});
}

}  // namespace
}  // namespace xylem::cli
