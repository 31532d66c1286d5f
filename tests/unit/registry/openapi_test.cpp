#include "tests/unit/registry/registry_world.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <string>

namespace xylem::registry {
namespace {

using testing::Json;
using testing::RegistryWorld;

std::set<Routes::Entry> described(const Json& document) {
  std::set<Routes::Entry> entries;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      entries.insert({upper, path});
    }
  }
  return entries;
}

TEST_CASE("openapi: every route is described, and nothing else") {
  RegistryWorld world;
  const auto document = testing::json_of(world.get("/openapi.json"));
  const auto routes = world.on_loop([&] {
    return std::set<Routes::Entry>(world.http->routes().begin(), world.http->routes().end());
  });
  for (const auto& route : routes) {
    CAPTURE(route.method);
    CAPTURE(route.pattern);
    CHECK(described(document).contains(route));
  }
  for (const auto& entry : described(document)) {
    CAPTURE(entry.method);
    CAPTURE(entry.pattern);
    CHECK(routes.contains(entry));
  }
}

TEST_CASE("openapi: every reference leads somewhere, every operation has a name of its own") {
  RegistryWorld world;
  const auto document = testing::json_of(world.get("/openapi.json"));
  std::set<std::string> operations;
  const std::function<void(const Json&)> visit = [&](const Json& json) {
    if (json.is_object() && json.contains("$ref")) {
      const auto reference = json["$ref"].get<std::string>();
      CAPTURE(reference);
      REQUIRE(reference.starts_with("#"));
      CHECK(document.contains(Json::json_pointer(reference.substr(1))));
    }
    if (json.is_object() && json.contains("operationId"))
      CHECK(operations.insert(json["operationId"]).second);
    if (json.is_structured())
      for (const auto& each : json) visit(each);
  };
  visit(document);
}

// What the answers hold is what the schemas name, and the other way round.
void check_fields(const Json& document, const char* schema, const Json& answer) {
  CAPTURE(schema);
  const auto& properties = document["components"]["schemas"][schema]["properties"];
  for (const auto& [name, value] : answer.items()) {
    CAPTURE(name);
    CHECK(properties.contains(name));
  }
  for (const auto& [name, value] : properties.items()) {
    CAPTURE(name);
    CHECK(answer.contains(name));
  }
}

TEST_CASE("openapi: the schemas are those of the answers") {
  RegistryWorld world;
  const auto document = testing::json_of(world.get("/openapi.json"));
  auto report = testing::report_json();
  report["topics"] = {{{"name", "prices"}}};
  const auto topology = testing::json_of(world.put("root-0", report));
  check_fields(document, "Topology", topology);
  check_fields(document, "Neighbour", topology["roots"][0]);
  const auto tree = testing::json_of(world.get("/api/v1/tree"));
  check_fields(document, "Tree", tree);
  check_fields(document, "Node", tree["nodes"][0]);
  check_fields(document, "TopicState", tree["nodes"][0]["topics"][0]);
  check_fields(document, "Problem",
               testing::json_of(world.get("/registry/topology?nodeId=unknown")));
}

}  // namespace
}  // namespace xylem::registry
