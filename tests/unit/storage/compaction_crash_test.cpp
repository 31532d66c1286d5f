// Compaction on a disk that loses its power in every call, and on one that is full or slow.
#include "tests/sim/sim_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/keyed_model.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

namespace xylem::storage::testing {
namespace {

constexpr int kStepsMax = 300;

// A segment that loses nothing, and two of one size with the same keys: the second one's records
// stay.
void write_twice(Node& node, PartitionLog& log) {
  for (int i = 0; i < 15; ++i) {
    const std::string key(1, static_cast<char>((i < 5 ? 'p' : 'a') + i % 5));
    add(node, log, keyed_batch({{key, value_of(10 + i)}}));
  }
  add(node, log, keyed_batch({{"z", value_of(30)}}));
  const auto segments = log.segments();
  REQUIRE(segments.size() == 4);
  REQUIRE(segments[1].bytes == segments[2].bytes);
}

// Whether the power was cut; it is not when a run takes fewer steps.
bool cut_off_at(std::uint64_t step, sim::Survival survival) {
  sim::SimDisk disk;
  std::vector<KeyedRecord> before;
  {
    Node node("mmap", "/data", &disk);
    const auto log = node.open(compacting());
    REQUIRE(log->inherit_compaction({}));  // its file is there, and needs no name any more
    write_twice(node, *log);
    before = all_of(*log);
    disk.crash_at(disk.steps() + step, step);
    REQUIRE(xylem::testing::run_until(node.loop, [&] {
      (void)log->retain();
      return disk.has_crashed() || runs(node) > 0;
    }));
  }
  const bool crashed = disk.has_crashed();
  disk.crash_now();
  disk.cut_power(survival, step);
  Node node("mmap", "/data", &disk);
  const auto log = node.open(compacting());
  CHECK(log->lost().empty());
  CHECK(view_of(all_of(*log)) == view_of(before));
  CHECK(is_selection(all_of(*log), before));
  return crashed;
}

TEST_CASE("compaction: a power cut in any call leaves the last value of each key") {
  for (const auto survival : {sim::Survival::kNone, sim::Survival::kSome, sim::Survival::kAll}) {
    CAPTURE(survival);
    std::uint64_t step = 1;
    while (cut_off_at(step, survival)) {
      REQUIRE(++step < kStepsMax);
      CAPTURE(step);
    }
    CHECK(step > 10);
  }
}

TEST_CASE("compaction: a cut back that finds no room leaves the bounds as they are") {
  const TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  auto options = compacting();
  options.tombstone_retention_ms = 0;
  const auto log = node.open(options);
  for (int i = 0; i < 24; ++i)
    add(node, *log, keyed_batch({{"a", value_of(i)}, {"b", std::nullopt}}));
  compact(node, *log);
  const auto bounds = log->compaction();
  const auto end = log->end_offset();
  REQUIRE(bounds.compacted_below > Offset(9));
  for (const int call :
       {1, 2, 3}) {  // making the copy of a segment's first part, writing and syncing it
    disk.plan.arm(Fault::kDiskFull, call, false);
    const auto cut = log->cut_back(Offset(9));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code() == Errc::kDiskFull);
    CHECK(log->compaction() == bounds);
    CHECK(log->end_offset() == end);
  }
  disk.plan.disarm();
  REQUIRE(log->cut_back(Offset(9)));
  CHECK(log->compaction().compacted_below <= Offset(9));
}

// Lets go of no index, the first step of putting a compacted segment in place, before open_gate()
// is called or ten seconds have passed.
class GateDisk final : public PosixDisk {
 public:
  Status remove(const std::string& path) override {
    if (path.ends_with(".index")) {
      is_reached = true;
      std::unique_lock lock(mutex_);
      was_late = !opened_.wait_for(lock, std::chrono::seconds(10), [this] { return is_open_; });
    }
    return PosixDisk::remove(path);
  }

  void open_gate() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }

  std::atomic<bool> is_reached{false};
  std::atomic<bool> was_late{false};

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

TEST_CASE("compaction: while it puts a segment in place, retention on the loop does not wait") {
  const TemporaryDirectory directory(fast_directory());
  GateDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  auto options = compacting();
  const auto log = node.open(options);
  write_twice(node, *log);
  REQUIRE(xylem::testing::run_until(node.loop, [&] {
    (void)log->retain();
    return disk.is_reached.load();
  }));
  options.retention_bytes = 1;
  options.cleanup = Cleanup::kDelete;
  log->set_options(options);
  REQUIRE(log->retain());
  CHECK(log->start_offset() == Offset(0));
  disk.open_gate();
  REQUIRE(xylem::testing::run_until(node.loop, [&] {
    REQUIRE(log->retain());
    return log->start_offset() > Offset(0);
  }));
  CHECK_FALSE(disk.was_late);
}

}  // namespace
}  // namespace xylem::storage::testing
