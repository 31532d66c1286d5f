#include "tests/support/http_world.h"
#include "tests/unit/broker/refresh/refresh_world.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace xylem::testing {
namespace {

using Json = nlohmann::json;

Json json_of(const HttpAnswer& answer) { return Json::parse(text_of(answer.body)); }

// What was asked of a broker that has read its state.
struct RefreshRoutes : HttpWorld {
  RefreshRoutes() {
    broker.create("t", 2);
    broker.create("u");
    REQUIRE(run_until(broker.loop, [&] {
      return broker.refreshes->start("none", "", std::nullopt).error().code() != Errc::kUnavailable;
    }));
  }

  Json start(const std::string& body, int status = 202) {
    const auto answer = ask("POST", "/api/v1/refreshes", body);
    CHECK(answer.status == status);
    return json_of(answer);
  }
};

TEST_CASE("refresh routes: started, shown, listed, stopped") {
  RefreshRoutes world;
  CopyKeeper keeper(world.broker, "t");
  keeper.answers = false;  // so that it does not end by itself
  REQUIRE(run_until(world.broker.loop, [&] { return keeper.is_ready(0); }));
  const auto started = world.start(R"({"topic":"t","reason":"why not","by":"me"})");
  const auto id = started["id"].get<std::string>();
  CHECK(id.size() == 16);
  CHECK(started["topic"] == "t");
  CHECK(started["state"] == "RESET_SENT");
  CHECK(started["reason"] == "why not");
  CHECK(started["startedBy"].get<std::string>().starts_with("me at "));
  CHECK(started["endedAt"].is_null());
  CHECK(started["consumers"] == Json({{"total", 1}, {"reset", 0}, {"ready", 0}}));
  CHECK(started["owed"] == 0);

  const auto stopped = world.ask("DELETE", "/api/v1/refreshes/" + id);
  CHECK(stopped.status == 200);
  CHECK(json_of(stopped)["state"] == "ABORTED");
  CHECK(json_of(stopped)["failure"].get<std::string>().starts_with("stopped by somebody at "));
  CHECK(world.ask("DELETE", "/api/v1/refreshes/" + id).status == 400);
  const auto other = world.start(R"({"topic":"u"})")["id"];
  const auto shown = world.ask("GET", "/api/v1/refreshes/" + id);
  CHECK(shown.status == 200);
  CHECK(json_of(shown)["endedAt"].is_number());
  const auto all = json_of(world.ask("GET", "/api/v1/refreshes"))["refreshes"];
  REQUIRE(all.size() == 2);
  CHECK(all[0]["id"] == other);
  const auto of_t = json_of(world.ask("GET", "/api/v1/refreshes?topic=t"))["refreshes"];
  REQUIRE(of_t.size() == 1);
  CHECK(of_t[0]["id"] == id);
}

TEST_CASE("refresh routes: with the caller's id, asking again starts no second one") {
  RefreshRoutes world;
  const std::string body = R"({"topic":"t","id":"0000000000000010"})";
  CHECK(world.start(body)["id"] == "0000000000000010");
  CHECK(world.start(body)["id"] == "0000000000000010");
  CHECK(json_of(world.ask("GET", "/api/v1/refreshes"))["refreshes"].size() == 1);
  CHECK(world.start(R"({"topic":"t","id":"000000000000000f"})", 400)["detail"]
            .get<std::string>()
            .find("is newer") != std::string::npos);
}

TEST_CASE("refresh routes: what is wrong is said") {
  RefreshRoutes world;
  CHECK(world.start(R"({"topic":"nowhere"})", 404)["code"] == "UNKNOWN_TOPIC_OR_PARTITION");
  CHECK(world.start(R"({"topic":"__topics"})", 400)["code"] == "INVALID_REQUEST");
  world.start(R"({"reason":"no topic"})", 400);
  world.start(R"({"topic":"t","reson":"a typing error"})", 400);
  world.start(R"({"topic":"t","id":"12"})", 400);
  world.start("no JSON", 400);
  CHECK(world.ask("GET", "/api/v1/refreshes/12").status == 400);
  CHECK(world.ask("GET", "/api/v1/refreshes/0000000000000012").status == 404);
  CHECK(world.ask("DELETE", "/api/v1/refreshes/0000000000000012").status == 404);
  CHECK(world.ask("GET", "/api/v1/refreshes?topics=t").status == 400);
}

}  // namespace
}  // namespace xylem::testing
