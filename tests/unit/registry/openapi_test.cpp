#include "tests/support/openapi.h"

#include "tests/unit/registry/registry_world.h"

namespace xylem::registry {
namespace {

using testing::RegistryWorld;

TEST_CASE("openapi: every route is described, and nothing else") {
  RegistryWorld world;
  const auto routes = world.on_loop([&] { return world.http->routes(); });
  xylem::testing::check_routes(testing::json_of(world.get("/openapi.json")), routes);
}

TEST_CASE("openapi: every reference leads somewhere, every operation has a name of its own") {
  RegistryWorld world;
  xylem::testing::check_references(testing::json_of(world.get("/openapi.json")));
}

TEST_CASE("openapi: the schemas are those of the answers") {
  RegistryWorld world;
  const auto document = testing::json_of(world.get("/openapi.json"));
  auto report = testing::report_json();
  report["topics"] = {{{"name", "prices"}}};
  const auto topology = testing::json_of(world.put("root-0", report));
  xylem::testing::check_fields(document, "Topology", topology, {"refreshes"});
  xylem::testing::check_fields(document, "Neighbour", topology["roots"][0]);
  const auto tree = testing::json_of(world.get("/api/v1/tree"));
  xylem::testing::check_fields(document, "Tree", tree);
  xylem::testing::check_fields(document, "Node", tree["nodes"][0]);
  xylem::testing::check_fields(document, "TopicState", tree["nodes"][0]["topics"][0]);
  xylem::testing::check_fields(document, "Problem",
                               testing::json_of(world.get("/registry/topology?nodeId=unknown")),
                               {"refresh"});
}

TEST_CASE("openapi: the schemas are those of refreshes") {
  RegistryWorld world;
  const auto document = testing::json_of(world.get("/openapi.json"));
  auto report = testing::report_json();
  report["topics"] = {{{"name", "prices"}}};
  world.put("pos-0", report);
  const auto order = R"({"topic":"prices","scope":{"fleet":true}})";
  const auto started = testing::json_of(world.request("POST", "/api/v1/refreshes", order));
  xylem::testing::check_fields(document, "Refresh", started, {"page"});
  const auto topology = testing::json_of(world.put("pos-0", report));
  xylem::testing::check_fields(document, "Topology", topology);
  xylem::testing::check_fields(document, "RefreshOrder", topology["refreshes"][0]);
  const auto all = testing::json_of(world.get("/api/v1/refreshes"));
  xylem::testing::check_fields(document, "Refreshes", all);
  const auto one =
      testing::json_of(world.get("/api/v1/refreshes/" + started["id"].get<std::string>()));
  xylem::testing::check_fields(document, "Refresh", one);
  xylem::testing::check_fields(document, "RefreshCounts", one["nodes"]);
  xylem::testing::check_fields(document, "RefreshPage", one["page"]);
  xylem::testing::check_fields(document, "RefreshWave", one["page"]["waves"][0]);
  xylem::testing::check_fields(document, "RefreshNode", one["page"]["nodes"][0]);
  const auto second = testing::json_of(world.request("POST", "/api/v1/refreshes", order));
  xylem::testing::check_fields(document, "Problem", second);
  CHECK(second["refresh"] == started["id"]);
}

}  // namespace
}  // namespace xylem::registry
