#include "registry/refresh/refresh_store.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::registry {
namespace {

JobNode node(const std::string& id, std::int32_t wave, JobNodeState state) {
  JobNode made;
  made.id = id;
  made.level = 6;
  made.wave = wave;
  made.state = state;
  made.progress = {.id = RefreshId(7),
                   .phase = RefreshPhase::kReplaying,
                   .consumers = 3,
                   .consumers_reset = 2,
                   .consumers_ready = 1,
                   .replayed = 70,
                   .to_replay = 100};
  made.failure = "none yet";
  return made;
}

StoredRefresh refresh(std::uint64_t id) {
  StoredRefresh made;
  made.record = {.id = RefreshId(id),
                 .topic = "prices",
                 .scope = {.kind = RefreshScope::Kind::kSubtree, .node = "l2-0"},
                 .wave_nodes = 5,
                 .failures_max = 2,
                 .reason = "monday",
                 .who = "ops",
                 .state = JobState::kStopping,
                 .why = "stopped",
                 .started_at_ms = 1'000,
                 .ended_at_ms = 2'000,
                 .is_last_round = true};
  made.nodes = {node("pos-0", 1, JobNodeState::kRunning), node("pos-1", 2, JobNodeState::kWaiting)};
  return made;
}

struct Stored {
  Stored() { REQUIRE(make_refresh_tables(database)); }

  void save(const RefreshChanges& changes) {
    REQUIRE(database.transaction([&] { return save_refreshes(database, changes); }));
  }

  std::vector<StoredRefresh> load() {
    auto loaded = load_refreshes(database);
    REQUIRE(loaded);
    return *std::move(loaded);
  }

  Database database = Database::open(":memory:", {}).value();
};

TEST_CASE("refresh store: all is there again") {
  Stored stored;
  stored.save({.saved = {refresh(7)}, .forgotten = {}});
  const auto loaded = stored.load();
  REQUIRE(loaded.size() == 1);
  const auto& record = loaded[0].record;
  CHECK(record.id == RefreshId(7));
  CHECK(record.topic == "prices");
  CHECK(record.scope == refresh(7).record.scope);
  CHECK(record.wave_nodes == 5);
  CHECK(record.failures_max == 2);
  CHECK(record.reason == "monday");
  CHECK(record.who == "ops");
  CHECK(record.state == JobState::kStopping);
  CHECK(record.why == "stopped");
  CHECK(record.started_at_ms == 1'000);
  CHECK(record.ended_at_ms == 2'000);
  CHECK(record.is_last_round);
  REQUIRE(loaded[0].nodes.size() == 2);
  const auto& pos = loaded[0].nodes[0];
  CHECK(pos.id == "pos-0");
  CHECK(pos.level == 6);
  CHECK(pos.wave == 1);
  CHECK(pos.state == JobNodeState::kRunning);
  CHECK(pos.progress == refresh(7).nodes[0].progress);
  CHECK(pos.failure == "none yet");
}

TEST_CASE("refresh store: what changed takes the place of what was, the rest stays") {
  Stored stored;
  stored.save({.saved = {refresh(7), refresh(8)}, .forgotten = {}});
  auto changed = refresh(7);
  changed.nodes = {node("pos-1", 2, JobNodeState::kCompleted)};
  stored.save({.saved = {changed}, .forgotten = {RefreshId(8)}});
  const auto loaded = stored.load();
  REQUIRE(loaded.size() == 1);
  REQUIRE(loaded[0].nodes.size() == 2);
  CHECK(loaded[0].nodes[0].state == JobNodeState::kRunning);
  CHECK(loaded[0].nodes[1].state == JobNodeState::kCompleted);
}

TEST_CASE("refresh store: values that are none of ours are named") {
  for (const std::string change :
       {"UPDATE refreshes SET id = 'x'", "UPDATE refreshes SET scope = 'world'",
        "UPDATE refreshes SET state = 'BUSY'", "UPDATE refreshes SET wave_nodes = 0",
        "UPDATE refresh_nodes SET state = 'BUSY'", "UPDATE refresh_nodes SET phase = 'BUSY'",
        "UPDATE refresh_nodes SET wave = 0", "UPDATE refresh_nodes SET wave = 2000000",
        "UPDATE refresh_nodes SET refresh = '0000000000000009'"}) {
    CAPTURE(change);
    Stored stored;
    stored.save({.saved = {refresh(7)}, .forgotten = {}});
    REQUIRE(stored.database.execute(change));
    const auto loaded = load_refreshes(stored.database);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace xylem::registry
