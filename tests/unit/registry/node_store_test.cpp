#include "registry/node_store.h"

#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::registry {
namespace {

NodeRecord record(std::string_view id, std::string_view location) {
  return {.id = NodeId(id),
          .location = *Location::parse(location),
          .role_wish = Role::kL3,
          .version = "0.1.0",
          .addresses = {.tcp = "h:1", .http = "h:2", .pipe = "http://h:3"}};
}

TEST_CASE("node store: what was written is there after reopening") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  {
    auto store = NodeStore::open(path);
    REQUIRE(store);
    auto gone = record("b", "");
    gone.gone = true;
    gone.role_wish = {};
    REQUIRE(store->apply({.topology_version = 7,
                          .cluster = ClusterId::from_words(1, 2),
                          .saved = {record("a", "eu/berlin"), gone, record("c", "")}}));
    REQUIRE(store->apply({.topology_version = 8, .saved = {}, .forgotten = {"c", "unknown"}}));
  }
  auto store = NodeStore::open(path);
  REQUIRE(store);
  const auto state = store->load();
  REQUIRE(state);
  CHECK(state->topology_version == 8);
  CHECK(state->cluster == ClusterId::from_words(1, 2));
  REQUIRE(state->nodes.size() == 2);
  const auto& a = state->nodes[0];
  CHECK(a.id == "a");
  CHECK(a.location.text() == "eu/berlin");
  CHECK(a.role_wish == Role::kL3);
  CHECK(a.version == "0.1.0");
  CHECK(a.addresses == record("a", "").addresses);
  CHECK_FALSE(a.gone);
  CHECK(state->nodes[1].gone);
  CHECK_FALSE(state->nodes[1].role_wish);
}

TEST_CASE("node store: a new one is empty") {
  auto store = NodeStore::open(":memory:");
  REQUIRE(store);
  const auto state = store->load();
  REQUIRE(state);
  CHECK(state->topology_version == 0);
  CHECK(state->cluster.is_nil());
  CHECK(state->nodes.empty());
}

TEST_CASE("node store: a newer release's file is left alone") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  {
    auto database = Database::open(path, {});
    REQUIRE(database);
    REQUIRE(database->execute("PRAGMA user_version = 2"));
  }
  const auto store = NodeStore::open(path);
  REQUIRE_FALSE(store);
  CHECK(store.error().code() == Errc::kUnsupportedVersion);
}

TEST_CASE("node store: damaged rows are errors that name themselves") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  for (const char* damage : {"INSERT OR REPLACE INTO registry VALUES('topology_version', 'x')",
                             "INSERT OR REPLACE INTO registry VALUES('cluster_id', '12')",
                             "INSERT INTO nodes VALUES('a', '//', '', '', '', '', '', 0)"}) {
    CAPTURE(damage);
    REQUIRE(NodeStore::open(path));
    {
      auto database = Database::open(path, {});
      REQUIRE(database);
      REQUIRE(database->execute("DELETE FROM registry; DELETE FROM nodes"));
      REQUIRE(database->execute(damage));
    }
    auto store = NodeStore::open(path);
    REQUIRE(store);
    const auto state = store->load();
    REQUIRE_FALSE(state);
    CHECK(state.error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("node store: a path that cannot be is an error") {
  const auto store = NodeStore::open("/nonexistent/registry.db");
  REQUIRE_FALSE(store);
  CHECK(store.error().what().find("/nonexistent/registry.db") != std::string::npos);
}

}  // namespace
}  // namespace xylem::registry
