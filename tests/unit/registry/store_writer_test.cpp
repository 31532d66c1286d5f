#include "registry/store_writer.h"

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

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
    writer.emplace(loop, service, *std::move(store), Logger::none());
  }

  Loop loop;
  ManualClock clock;
  RegistryService service;
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

}  // namespace
}  // namespace xylem::registry
