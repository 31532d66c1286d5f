// What the loop writes itself, without waking the committer.
#include "storage/committer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

Committed::QuickWrite write_quickly(PartitionLog& log) {
  auto* committed = dynamic_cast<Committed*>(&log);
  REQUIRE(committed != nullptr);
  return committed->write_quickly();
}

LogOptions flushing(Flush flush) {
  LogOptions options;
  options.flush = flush;
  return options;
}

// A log whose file is begun: that is the committer's to do.
struct Begun {
  explicit Begun(const LogOptions& options, Disk* disk = nullptr)
      : node("mmap", directory.file("data"), disk), log(node.open(options)) {
    log->set_listener([this] { ++told; });
    append();
    REQUIRE(is_committed([&] { return is_written(); }));
  }

  void append(std::size_t value_bytes = 20) {
    REQUIRE(log->append(batch_of(1, value_bytes), Epoch(0)));
  }

  // The committer has made it so after `told_before`, and is through with the log.
  bool is_committed(const std::function<bool()>& condition, int told_before = 0) {
    return run_until(node.loop, [&] { return told > told_before && condition(); });
  }

  [[nodiscard]] bool is_written() const { return log->written_end() == log->end_offset(); }

  TemporaryDirectory directory{fast_directory()};
  Node node;
  std::shared_ptr<PartitionLog> log;
  int told = 0;
};

TEST_CASE("quick write: a small batch for a file with room, where nobody waits for a sync") {
  Begun world(flushing(Flush::kNever));
  world.append();
  const auto quick = write_quickly(*world.log);
  CHECK(quick.moved);
  CHECK_FALSE(quick.visit);
  CHECK(world.is_written());
  CHECK(write_quickly(*world.log).visit);  // nothing waits any more
}

TEST_CASE("quick write: what is synced later needs one visit for all") {
  Begun world(flushing(Flush::kInterval));
  const auto is_synced = [&] { return world.log->synced_end() == world.log->end_offset(); };
  const auto told = world.told;
  world.node.clock.advance_ms(1'000);
  REQUIRE(world.is_committed(is_synced, told));
  world.append();
  const auto first = write_quickly(*world.log);
  CHECK(first.moved);
  CHECK(first.visit);
  world.append();
  const auto second = write_quickly(*world.log);
  CHECK(second.moved);
  CHECK_FALSE(second.visit);
  CHECK_FALSE(is_synced());
  world.node.clock.advance_ms(1'000);
  CHECK(run_until(world.node.loop, is_synced));  // by the visit that append() has asked for
}

TEST_CASE("quick write: not what waits for its sync, nor what is large") {
  Begun synced(flushing(Flush::kAlways));
  synced.append();
  CHECK(write_quickly(*synced.log).visit);
  CHECK_FALSE(synced.is_written());
  Begun large(flushing(Flush::kNever));
  large.append(80'000);
  const auto quick = write_quickly(*large.log);
  CHECK_FALSE(quick.moved);
  CHECK(quick.visit);
  CHECK_FALSE(large.is_written());
}

TEST_CASE("quick write: the file grows, and the next one begins, by the committer") {
  auto options = flushing(Flush::kNever);
  options.segment_bytes_max = 100'000;
  Begun world(options);
  int visits = 0;
  for (int i = 0; i < 40; ++i) {
    const auto told = world.told;
    world.append(10'000);
    if (!write_quickly(*world.log).visit) continue;
    ++visits;
    REQUIRE(world.is_committed([&] { return world.is_written(); }, told));
  }
  CHECK(world.is_written());
  CHECK(visits >= 4);   // segments at least
  CHECK(visits <= 20);  // most are quick
  CHECK(world.log->segments().size() >= 4);
}

TEST_CASE("quick write: one that fails fences the log, as any other") {
  FaultDisk disk;
  Begun world(flushing(Flush::kNever), &disk);
  const auto good = world.log->written_end();
  disk.plan.arm(Fault::kIo, 1, false);
  world.append();
  const auto quick = write_quickly(*world.log);
  CHECK(disk.plan.has_fired());
  CHECK_FALSE(quick.moved);
  CHECK(quick.visit);
  CHECK(world.log->written_end() == good);
  REQUIRE_FALSE(world.log->health());
  CHECK(world.log->health().error().code() == Errc::kIo);
  CHECK_FALSE(world.log->append(batch_of(1), Epoch(0)));
}

// A log that takes what time the test wants.
struct PlayedLog final : Committed {
  explicit PlayedLog(ManualClock& the_clock) : clock(the_clock) {}

  void write_waiting() override { ++by_thread; }

  [[nodiscard]] bool is_sync_due(std::int64_t /*now_us*/) override { return false; }

  QuickWrite write_quickly() override {
    clock.advance_ms(slow_ms);
    ++by_loop;
    return {.moved = true, .visit = false};
  }

  Outcome sync_due(std::int64_t /*now_us*/) override { return {}; }

  void committed() override { ++told; }

  ManualClock& clock;
  std::int64_t slow_ms = 0;
  int by_loop = 0;
  std::atomic<int> by_thread = 0;
  int told = 0;
};

// By the loop as soon as the thread has nothing to do.
void enqueue_until_quick(Loop& loop, Committer& committer, const std::shared_ptr<PlayedLog>& log) {
  const auto before = log->by_loop;
  REQUIRE(run_until(loop, [&] {
    if (log->by_loop > before) return true;
    committer.enqueue(log);
    return false;
  }));
}

TEST_CASE("quick write: the log is told at the end of the turn, the thread sleeps on") {
  Loop loop;
  ManualClock clock;
  const auto log = std::make_shared<PlayedLog>(clock);
  Committer committer(loop, clock);
  enqueue_until_quick(loop, committer, log);
  const auto by_thread = log->by_thread.load();
  const auto told = log->told;
  committer.enqueue(log);
  CHECK(run_until(loop, [&] { return log->told == told + 1; }));
  CHECK(log->by_thread == by_thread);
}

TEST_CASE("quick write: a slow one is the last for a while") {
  Loop loop;
  ManualClock clock;
  const auto log = std::make_shared<PlayedLog>(clock);
  Committer committer(loop, clock);
  log->slow_ms = 3;
  enqueue_until_quick(loop, committer, log);
  const auto by_loop = log->by_loop;
  const auto by_thread = log->by_thread.load();
  committer.enqueue(log);
  CHECK(run_until(loop, [&] { return log->by_thread == by_thread + 1; }));
  CHECK(log->by_loop == by_loop);
  clock.advance_ms(5'001);
  log->slow_ms = 0;
  enqueue_until_quick(loop, committer, log);
}

}  // namespace
}  // namespace xylem::storage::testing
