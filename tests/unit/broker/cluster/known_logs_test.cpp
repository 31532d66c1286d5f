#include "broker/cluster/known_logs.h"

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

namespace xylem::broker {
namespace {

LogId log(std::int32_t partition, std::uint32_t generation = 0) {
  return {{Uuid::from_words(1, 2), generation}, PartitionId(partition)};
}

struct World {
  TemporaryDirectory directory;
  Loop loop;
  std::unique_ptr<storage::StateStore> store;
  std::optional<KnownLogs> logs;

  Status open() {
    logs.reset();
    store.reset();
    store = *storage::StateStore::open(directory.file("state.db"), loop);
    logs.emplace(loop, *store, Logger::none());
    std::optional<Status> loaded;
    logs->load([&](Status done) { loaded = std::move(done); });
    REQUIRE(testing::run_until(loop, [&] { return loaded.has_value(); }));
    return *loaded;
  }
};

TEST_CASE("known logs: what was added is there after a start, what was removed is not") {
  World world;
  REQUIRE(world.open());
  CHECK(world.logs->all().empty());
  for (std::int32_t p = 0; p < 5; ++p) world.logs->add(log(p, 7));
  world.logs->add(log(3, 7));
  std::optional<Status> written;
  REQUIRE(testing::run_until(world.loop, [&] {  // behind what the turn's end writes
    if (!written) world.store->put("x", "y", {}, [&](Status done) { written = std::move(done); });
    return written.has_value();
  }));
  world.logs->remove(log(2, 7));
  REQUIRE(world.open());
  CHECK(world.logs->all() == std::set<LogId>{log(0, 7), log(1, 7), log(3, 7), log(4, 7)});
}

TEST_CASE("known logs: a row that is none of ours is damage") {
  for (const auto* key :
       {"", "x", "00000000000000010000000000000002 1", "00000000000000010000000000000002 1 -1",
        "00000000000000010000000000000002 1 2 3"}) {
    CAPTURE(key);
    CHECK_FALSE(known_log_of(key));
  }
  CHECK(known_log_of(known_log_key(log(12, 3))) == log(12, 3));
  World world;
  REQUIRE(world.open());
  std::optional<Status> written;
  world.store->put("replica_log", "nonsense", {}, [&](Status done) { written = std::move(done); });
  REQUIRE(testing::run_until(world.loop, [&] { return written.has_value(); }));
  const auto opened = world.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Errc::kCorrupt);
}

}  // namespace
}  // namespace xylem::broker
