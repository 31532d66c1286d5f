#include "registry/store_writer.h"

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::registry {
namespace {

NodeReport report() {
  NodeReport report;
  report.instance = "i1";
  report.addresses.tcp = "h:1";
  return report;
}

struct Stored {
  explicit Stored(const std::string& path) : service({.insecure = true}, clock, {}) {
    auto store = NodeStore::open(path);
    REQUIRE(store);
    writer.emplace(loop, service, refreshes, *std::move(store), Logger::none());
  }

  Loop loop;
  ManualClock clock;
  RegistryService service;
  Metrics metrics;
  Random random{1};
  RefreshJobs refreshes{{service, clock, random, Logger::none(), metrics}, {}};
  std::optional<StoreWriter> writer;
};

std::size_t nodes_in(const std::string& path) {
  auto store = NodeStore::open(path);
  REQUIRE(store);
  auto state = store->load();
  REQUIRE(state);
  return state->nodes.size();
}

TEST_CASE("store writer: changes are written behind, and the last ones at the end") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  Stored stored(path);
  REQUIRE(stored.service.report("root-0", report()));
  REQUIRE(testing::run_until(stored.loop, [&] { return nodes_in(path) == 1; }));
  REQUIRE(stored.service.report("pos-0", report()));
  stored.writer.reset();
  CHECK(nodes_in(path) == 2);
}

TEST_CASE("store writer: a write that fails shows, and is made up for") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  Stored stored(path);
  auto other = Database::open(path, {});
  REQUIRE(other);
  REQUIRE(other->execute("ALTER TABLE nodes RENAME TO hidden"));
  REQUIRE(stored.service.report("root-0", report()));
  REQUIRE(testing::run_until(stored.loop, [&] { return !stored.writer->status(); }));
  CHECK(stored.writer->status().error().code() == Errc::kUnavailable);
  REQUIRE(other->execute("ALTER TABLE hidden RENAME TO nodes"));
  REQUIRE(testing::run_until(stored.loop, [&] { return stored.writer->status().has_value(); }));
  CHECK(nodes_in(path) == 1);
}

std::vector<StoredRefresh> refreshes_in(const std::string& path) {
  auto store = NodeStore::open(path);
  REQUIRE(store);
  auto state = store->load();
  REQUIRE(state);
  return state->refreshes;
}

void report_prices(RegistryService& service, const NodeId& id) {
  auto said = report();
  said.topics.push_back({.name = "prices"});
  REQUIRE(service.report(id, said));
}

RefreshRequest of_the_fleet() {
  RefreshRequest request;
  request.topic = "prices";
  return request;
}

TEST_CASE("store writer: a refresh is accepted, and begins, once it is on disk") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  Stored stored(path);
  report_prices(stored.service, "pos-0");
  std::optional<RefreshId> accepted;
  stored.refreshes.start(of_the_fleet(), "peer", [&](const auto& started, auto) {
    REQUIRE(started);
    CHECK(refreshes_in(path).size() == 1);
    accepted = *started;
  });
  CHECK(stored.refreshes.orders_for("pos-0").empty());
  REQUIRE(testing::run_until(stored.loop, [&] { return accepted.has_value(); }));
  REQUIRE(stored.refreshes.orders_for("pos-0").size() == 1);
  CHECK(stored.refreshes.orders_for("pos-0").front().id == *accepted);
}

TEST_CASE("store writer: a refresh that cannot be stored is refused, and forgotten") {
  const TemporaryDirectory directory;
  const auto path = directory.file("registry.db");
  Stored stored(path);
  auto other = Database::open(path, {});
  REQUIRE(other);
  REQUIRE(other->execute("ALTER TABLE refresh_nodes RENAME TO hidden"));
  report_prices(stored.service, "pos-0");
  std::optional<Errc> refused;
  stored.refreshes.start(of_the_fleet(), "peer", [&](const auto& started, auto) {
    REQUIRE_FALSE(started);
    refused = started.error().code();
  });
  REQUIRE(testing::run_until(stored.loop, [&] { return refused.has_value(); }));
  CHECK(*refused == Errc::kUnavailable);
  CHECK(stored.refreshes.list().empty());
  REQUIRE(other->execute("ALTER TABLE hidden RENAME TO refresh_nodes"));
  REQUIRE(testing::run_until(stored.loop, [&] { return stored.writer->status().has_value(); }));
  CHECK(refreshes_in(path).empty());
}

}  // namespace
}  // namespace xylem::registry
