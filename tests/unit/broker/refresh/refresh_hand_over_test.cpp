// A newer refresh of a topic whose older one some consumers have not finished.
#include "broker/refresh/refresh_record.h"
#include "tests/support/try_until.h"
#include "tests/unit/broker/refresh/refresh_world.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::RefreshState;
using Values = std::vector<std::string>;

// Its refreshes do not wait for who is away.
struct Impatient : RefreshWorld {
  Impatient() {
    options.timing.away_ms = 0;
    options.timing.reset_again_ms = 20;
    restart_refreshes(options);
    create("t");
    produce("t", {"a", "b"});
  }

  // A completed refresh that "keeper" is owed.
  std::uint64_t complete_without() {
    auto gone = std::make_unique<CopyKeeper>(*this, "t");
    REQUIRE(run_until(loop, [&] { return gone->is_ready(0); }));
    gone->answers = false;
    const auto id = start("t");
    REQUIRE(run_until(loop, [&] { return gone->resets.size() == 1; }));
    gone.reset();
    REQUIRE(ends(id, RefreshState::kCompleted));
    REQUIRE(refreshes->find(id)->owed == 1);
    return id;
  }

  // Of who has had both records.
  network::Cursor copy() { return {Offset(2), topics->find("t")->incarnation}; }

  // As state.db has it.
  std::optional<broker::RefreshRun::Owed> written(std::uint64_t id) {
    std::optional<broker::RefreshRun::Owed> owed;
    bool is_read = false;
    state_store()->scan(std::string(broker::kRefreshKind), [&](auto rows) {
      REQUIRE(rows);
      for (const auto& row : *rows)
        if (row.key == broker::refresh_id_text(id))
          owed = broker::decode_refresh(row.key, row.value)->owed;
      is_read = true;
    });
    REQUIRE(run_until(loop, [&] { return is_read; }));
    return owed;
  }

  // Not by run_until(): to read state.db turns the loop already.
  bool until_written(std::uint64_t id, std::size_t owed) {
    return try_until(loop, [&] { return written(id)->size() == owed; });
  }

  broker::Refreshes::Options options;
};

TEST_CASE("refreshes: who is on the way through a completed one goes through the newer one alone") {
  Impatient world;
  const auto first = world.complete_without();
  CopyKeeper keeper(world, "t");
  keeper.copy = world.copy();
  keeper.answers = false;
  REQUIRE(run_until(world.loop, [&] { return !keeper.resets.empty(); }));
  CHECK(keeper.resets.back().refresh_id == first);
  keeper.answer(network::FrameType::kResetAck, keeper.resets.back());
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(first); }));

  const auto second = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.back().refresh_id == second; }));
  CHECK(world.refreshes->find(first)->owed == 0);
  CHECK(world.refreshes->find(first)->consumers == 0);
  const auto told = keeper.resets.size();
  keeper.answer(network::FrameType::kResetAck, keeper.resets.back());
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(second); }));
  keeper.answer(network::FrameType::kReadyAck, keeper.readies.back());
  REQUIRE(world.ends(second, RefreshState::kCompleted));
  CHECK(keeper.resets.size() == told);  // of the first none any more
  CHECK(keeper.values[second] == Values{"a", "b"});
  CHECK(world.refreshes->find(second)->owed == 0);
}

TEST_CASE("refreshes: who is away is owed the newest alone, once, and nothing when it has that") {
  Impatient world;
  std::vector ids = {world.complete_without()};
  for (int i = 0; i < 3; ++i) {
    ids.push_back(world.start("t"));
    REQUIRE(world.ends(ids.back(), RefreshState::kCompleted));
  }
  const auto newest = ids.back();
  for (const auto id : ids) CHECK(world.refreshes->find(id)->owed == (id == newest ? 1 : 0));
  REQUIRE(world.until_written(newest, 1));
  REQUIRE(world.until_written(ids[0], 0));

  world.restart_refreshes(world.options);
  CopyKeeper keeper(world, "t");
  keeper.copy = world.copy();
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(newest); }));
  REQUIRE(world.until_written(newest, 0));
  for (const auto id : ids) CHECK(world.refreshes->find(id)->owed == 0);
}

TEST_CASE("refreshes: rows that owe one consumer several times are settled when it comes back") {
  Impatient world;
  const auto older = world.complete_without();
  const auto newer = world.start("t");
  REQUIRE(world.ends(newer, RefreshState::kCompleted));
  REQUIRE(world.until_written(newer, 1));
  bool is_put = false;
  world.state_store()->scan(std::string(broker::kRefreshKind), [&](auto rows) {
    REQUIRE(rows);
    for (const auto& row : *rows) {
      if (row.key != broker::refresh_id_text(older)) continue;
      auto record = *broker::decode_refresh(row.key, row.value);
      record.owed = {{"keeper", 1}};
      world.state_store()->put(std::string(broker::kRefreshKind), row.key, encode_refresh(record),
                               [&](const auto&) { is_put = true; });
    }
  });
  REQUIRE(run_until(world.loop, [&] { return is_put; }));
  world.restart_refreshes(world.options);
  REQUIRE(run_until(world.loop, [&] { return world.refreshes->find(older).has_value(); }));
  REQUIRE(world.refreshes->find(older)->owed == 1);
  CopyKeeper keeper(world, "t");
  keeper.copy = world.copy();
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(newer); }));
  CHECK(world.refreshes->find(older)->owed == 0);
  CHECK(world.until_written(older, 0));
}

}  // namespace
}  // namespace xylem::testing
