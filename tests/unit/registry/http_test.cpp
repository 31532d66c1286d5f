#include "tests/unit/registry/registry_world.h"

#include <string>

namespace xylem::registry {
namespace {

using testing::json_of;
using testing::RegistryWorld;
using testing::report_json;

TEST_CASE("registry http: a node registers and is shown") {
  RegistryWorld world;
  world.put("root-0");
  const auto answer = world.put("pos-0", report_json());
  CHECK(answer.status == 200);
  const auto topology = json_of(answer);
  CHECK(topology["role"] == "POS");
  CHECK(topology["requestToFollow"] == testing::Json{"http://h:3"});
  CHECK(topology["parents"][0]["nodeId"] == "root-0");
  CHECK(topology["heartbeatMs"] == 2'000);
  CHECK(answer.header("etag") == world.get("/registry/topology?nodeId=pos-0").header("etag"));

  const auto node = json_of(world.get("/api/v1/nodes/pos-0"));
  CHECK(node["parents"] == testing::Json{"root-0"});
  CHECK(node["health"] == "HEALTHY");
  CHECK(node["stale"] == false);
  const auto tree = json_of(world.get("/api/v1/tree"));
  CHECK(tree["nodes"].size() == 2);
  CHECK(tree == json_of(world.get("/api/v1/nodes")));
}

TEST_CASE("registry http: a silent node is shown as old, whatever it last said") {
  RegistryWorld world;
  auto report = report_json();
  report["ageMs"] = 50;
  world.put("pos-0", report);
  world.clock.advance_ms(1'000);
  CHECK(json_of(world.get("/api/v1/nodes/pos-0"))["ageMs"] == 50);
  world.clock.advance_ms(9'000);
  world.on_loop([&] { world.service.lapse(); });
  const auto node = json_of(world.get("/api/v1/nodes/pos-0"));
  CHECK(node["ageMs"] == 10'050);
  CHECK(node["lastSeenMs"] == 10'000);
  CHECK(node["health"] == "UNHEALTHY");
  CHECK(node["stale"] == true);
}

TEST_CASE("registry http: refusals are problems with a status of their own") {
  RegistryWorld world;
  world.put("pos-0");
  auto second = report_json();
  second["instance"] = "i2";
  const auto duplicate = world.put("pos-0", second);
  CHECK(duplicate.status == 409);
  CHECK(json_of(duplicate)["code"] == "DUPLICATE_NODE");
  CHECK(duplicate.header("content-type") == "application/problem+json");
  CHECK(world.request("PUT", "/api/v1/nodes/pos-1", "{").status == 400);
  CHECK(world.put("pos%201").status == 400);
  CHECK(world.get("/api/v1/nodes/pos-1").status == 404);
  CHECK(world.get("/registry/topology?nodeId=pos-1").status == 404);
  CHECK(world.get("/registry/topology").status == 400);
  CHECK(world.get("/registry/topology?nodeId=pos-0&wait=x").status == 400);
  CHECK(world.request("DELETE", "/api/v1/nodes/pos-1").status == 404);
  CHECK(world.get("/metrics").status == 200);
  CHECK(text_of(world.get("/metrics").body)
            .find("xylem_registry_refused_total{code=\"DUPLICATE_NODE\"} 1") !=
        std::string_view::npos);
}

TEST_CASE("registry http: a node leaves, then is forgotten") {
  RegistryWorld world;
  world.put("pos-0");
  CHECK(world.request("DELETE", "/api/v1/nodes/pos-0?instance=other").status == 409);
  CHECK(world.request("DELETE", "/api/v1/nodes/pos-0?instance=i1").status == 204);
  CHECK(json_of(world.get("/api/v1/nodes/pos-0"))["stale"] == true);
  CHECK(world.request("DELETE", "/api/v1/nodes/pos-0").status == 204);
  CHECK(world.get("/api/v1/nodes/pos-0").status == 404);
}

TEST_CASE("registry http: the etag is that of version and content") {
  RegistryWorld world;
  world.put("root-0");
  const std::string target = "/registry/topology?nodeId=root-0";
  const std::string etag(world.get(target).header("etag"));
  const auto same = world.get(target, {{"if-none-match", etag}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("etag") == etag);
  world.put("l2-0");
  const auto changed = world.get(target, {{"if-none-match", etag}});
  CHECK(changed.status == 200);
  CHECK(changed.header("etag") != etag);
}

TEST_CASE("registry http: alive, ready, and why not") {
  RegistryWorld ready;
  CHECK(ready.get("/healthz").status == 200);
  CHECK(ready.get("/readyz").status == 200);
  RegistryWorld broken(fail(Errc::kUnavailable, "the disk is full"));
  CHECK(broken.get("/healthz").status == 200);
  const auto answer = broken.get("/readyz");
  CHECK(answer.status == 503);
  CHECK(json_of(answer)["detail"] == "the disk is full");
}

TEST_CASE("registry http: the page comes with a policy that allows no inline code") {
  RegistryWorld world;
  const auto page = world.get("/");
  CHECK(page.status == 200);
  CHECK(page.header("content-type") == "text/html; charset=utf-8");
  const auto policy = page.header("content-security-policy");
  CHECK(policy.find("default-src 'none'") != std::string_view::npos);
  CHECK(policy.find("unsafe") == std::string_view::npos);
  CHECK(text_of(page.body).find("<script>") == std::string_view::npos);
  CHECK(text_of(page.body).find("style=") == std::string_view::npos);
  const std::string etag(page.header("etag"));
  CHECK(world.get("/", {{"if-none-match", etag}}).status == 304);
  CHECK(world.get("/assets/nothing.js").status == 404);
  CHECK(world.get("/assets/..%2findex.html").status == 404);
}

TEST_CASE("registry http: every answer carries the security headers") {
  RegistryWorld world;
  for (const char* target : {"/", "/api/v1/tree", "/api/v1/nodes/x", "/metrics"}) {
    CAPTURE(target);
    const auto answer = world.get(target);
    CHECK(answer.header("x-content-type-options") == "nosniff");
    CHECK(answer.header("x-frame-options") == "DENY");
    CHECK(answer.header("referrer-policy") == "no-referrer");
    CHECK_FALSE(answer.header("content-security-policy").empty());
  }
}

TEST_CASE("registry http: a page of another origin changes nothing") {
  RegistryWorld world;
  world.put("pos-0");
  const std::string node = "/api/v1/nodes/pos-0";
  for (const char* origin : {"http://evil.example", "null"}) {
    CHECK(world.request("DELETE", node, {}, {{"origin", origin}}).status == 403);
    CHECK(world.get(node, {{"origin", origin}}).status == 200);
  }
}

}  // namespace
}  // namespace xylem::registry
