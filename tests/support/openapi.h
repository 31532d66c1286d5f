// An OpenAPI document beside what a server does.
#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <string>
#include <utility>

namespace xylem::testing {

// Every route of the server (method, pattern) is described, and nothing else.
template <class Routes>
void check_routes(const nlohmann::json& document, const Routes& routes) {
  using Route = std::pair<std::string, std::string>;
  std::set<Route> described;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      described.emplace(upper, path);
    }
  }
  std::set<Route> there;
  for (const auto& route : routes) there.emplace(route.method, route.pattern);
  for (const auto* routes_of : {&there, &described}) {
    for (const auto& [method, pattern] : *routes_of) {
      CAPTURE(method);
      CAPTURE(pattern);
      CHECK(described.contains({method, pattern}));
      CHECK(there.contains({method, pattern}));
    }
  }
}

// Every reference leads somewhere, every operation has a name of its own.
inline void check_references(const nlohmann::json& document) {
  std::set<std::string> operations;
  const std::function<void(const nlohmann::json&)> visit = [&](const nlohmann::json& json) {
    if (json.is_object() && json.contains("$ref")) {
      const auto reference = json["$ref"].get<std::string>();
      CAPTURE(reference);
      REQUIRE(reference.starts_with("#"));
      CHECK(document.contains(nlohmann::json::json_pointer(reference.substr(1))));
    }
    if (json.is_object() && json.contains("operationId"))
      CHECK(operations.insert(json["operationId"]).second);
    if (json.is_structured())
      for (const auto& each : json) visit(each);
  };
  visit(document);
}

// What the answer holds is what the schema names; but for `optional` also the other way round.
inline void check_fields(const nlohmann::json& document,
                         const char* schema,
                         const nlohmann::json& answer,
                         const std::set<std::string>& optional = {}) {
  CAPTURE(schema);
  const auto& properties = document["components"]["schemas"][schema]["properties"];
  for (const auto& [name, value] : answer.items()) {
    CAPTURE(name);
    CHECK(properties.contains(name));
  }
  for (const auto& [name, value] : properties.items()) {
    CAPTURE(name);
    CHECK((answer.contains(name) || optional.contains(name)));
  }
}

}  // namespace xylem::testing
