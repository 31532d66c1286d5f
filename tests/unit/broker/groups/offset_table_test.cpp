// The limits of a table of offsets, with writes that are done when the test says so.
#include "broker/groups/offset_table.h"

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

const Incarnation kTopic{TopicId::from_words(1, 2), 0};

struct Written {
  std::size_t changes = 0;
  std::function<void(Status)> done;
};

struct World {
  explicit World(std::size_t rows_max = OffsetTable::kRowsMax)
      : table([this](const auto& changes,
                     auto done) { writes.push_back({changes.size(), std::move(done)}); },
              rows_max) {}

  static GroupPartition at(std::int32_t p, const std::string& group = "g") {
    return {group, "t", PartitionId(p), {}};
  }

  void commit(const GroupPartition& where, std::int64_t next) {
    table.commit(where, {Offset(next), kTopic}, [this](const Status& done) { told = done; });
  }

  // How many changes were in the one that is done.
  std::size_t finish(const Status& outcome = {}) {
    REQUIRE_FALSE(writes.empty());
    const auto first = std::move(writes.front());
    writes.pop_front();
    first.done(outcome);
    return first.changes;
  }

  std::deque<Written> writes;
  std::optional<Status> told;
  OffsetTable table;
};

TEST_CASE("offset table: where it is full known places move on, and new ones are refused") {
  World world(2);
  for (std::int32_t p = 0; p < 2; ++p) {
    world.commit(World::at(p), 1);
    world.finish();
  }
  world.commit(World::at(2), 1);
  REQUIRE(world.told);
  REQUIRE_FALSE(*world.told);
  CHECK(world.told->error().code() == Errc::kQuotaExceeded);
  CHECK(world.told->error().hint().contains("groups delete"));
  world.told.reset();
  world.commit(World::at(1), 2);
  world.finish();
  CHECK((world.told && *world.told));
  CHECK(world.table.find(World::at(1))->next == Offset(2));

  world.table.reset({{World::at(0), {Offset(0), kTopic}}, {World::at(3), {Offset(0), kTopic}}},
                    [&](const Status& done) { world.told = done; });
  REQUIRE_FALSE(*world.told);
  CHECK(world.told->error().code() == Errc::kQuotaExceeded);
  CHECK(world.table.find(World::at(0))->next == Offset(1));
  world.table.reset({{World::at(0), {Offset(0), kTopic}}},
                    [&](const Status& done) { world.told = done; });
  world.finish();
  CHECK((world.told && *world.told));

  world.table.forget({World::at(0)}, [](const Status&) {});
  world.finish();
  world.commit(World::at(2), 1);
  world.finish();
  CHECK(world.table.find(World::at(2)));
}

TEST_CASE("offset table: what is being written counts") {
  World world(2);
  world.commit(World::at(0), 1);
  world.commit(World::at(1), 1);
  world.commit(World::at(2), 1);
  REQUIRE(world.told);
  CHECK(world.told->error().code() == Errc::kQuotaExceeded);
}

struct Many : World {
  Many() {
    for (std::int32_t p = 0; p < kCount; ++p) {
      gone.push_back(at(p));
      table.load(at(p), CommittedOffset{Offset(1), kTopic});
    }
    table.load(at(0, "h"), CommittedOffset{Offset(1), kTopic});
    table.forget(gone, [this](const Status& done) { told = done; });
  }

  // More than may wait.
  static constexpr auto kCount = static_cast<std::int32_t>(OffsetTable::kWaitingMax + 1);
  std::vector<GroupPartition> gone;
};

TEST_CASE("offset table: more offsets than may wait are forgotten, piece by piece") {
  Many world;
  CHECK(world.finish() == OffsetTable::kForgetMax);
  CHECK(world.finish() == OffsetTable::kForgetMax);
  CHECK_FALSE(world.told);
  CHECK(world.finish() == 1);
  CHECK((world.told && *world.told));
  CHECK(world.table.of("g").empty());
  CHECK(world.table.of("h").size() == 1);
  CHECK(world.writes.empty());
}

TEST_CASE("offset table: a write that fails ends it; the next try goes on") {
  Many world;
  world.finish();
  world.finish(fail(Errc::kIo, "full"));
  REQUIRE(world.told);
  CHECK(world.told->error().code() == Errc::kIo);
  CHECK(world.writes.empty());
  CHECK(world.table.of("g").size() == Many::kCount - OffsetTable::kForgetMax);
}

TEST_CASE("offset table: a group's offsets are those of no other name") {
  World world;
  for (const auto* group : {"a", "g", "g\x01", "ga", "h"})
    world.table.load(World::at(0, group), CommittedOffset{Offset(1), kTopic});
  world.table.load({"g", "t", PartitionId(0), "till-1"}, CommittedOffset{Offset(2), kTopic});
  CHECK(world.table.of("g").size() == 2);
  CHECK(world.table.of("b").empty());
  CHECK(world.table.of("").empty());
}

}  // namespace
}  // namespace xylem::broker
