// Every call to the disk fails in turn: nothing that was acknowledged is lost, nothing bad is
// served, and a fenced log says so.
#include "storage/partition_log.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <filesystem>

namespace xylem::storage::testing {
namespace {

constexpr int kCallsMax = 400;

LogOptions small_segments() {
  LogOptions options;
  options.segment_bytes_max = 2'000;
  return options;
}

struct Outcome {
  Buffer appended;      // all that append() accepted, in order
  Offset acknowledged;  // durable_end() at the end
  bool healthy = true;
};

// Opens, appends, cuts back, appends; goes on as long as the log lets it.
Outcome work(Node& node) {
  Outcome outcome;
  auto opened = node.try_open(small_segments());
  if (!opened) {
    outcome.healthy = false;
    return outcome;
  }
  auto& log = **opened;
  for (int i = 0; i < 12; ++i) {
    const auto batch = batch_of(3, 120);
    const auto base = log.append(batch, Epoch(1));
    if (!base) break;
    xylem::append(placed(batch, *base, Epoch(1)), outcome.appended);
    node.settle(log);
  }
  outcome.acknowledged = log.durable_end();
  outcome.healthy = log.health().has_value();
  return outcome;
}

Buffer read_all(const PartitionLog& log) {
  auto read = log.read(log.start_offset(), 1'000'000, kAll);
  REQUIRE(read);
  return bytes_in(*read);
}

bool is_prefix(const Buffer& part, const Buffer& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST_CASE("log: whichever call to the disk fails, what was acknowledged is there after a restart") {
  for (const auto fault : {Fault::kIo, Fault::kShortWrite}) {
    bool passed = false;
    for (int call = 1; call <= kCallsMax && !passed; ++call) {
      CAPTURE(call);
      TemporaryDirectory directory(fast_directory());
      Outcome outcome;
      {
        FaultDisk disk;
        disk.plan.arm(fault, call, true);
        Node node("mmap", directory.file("data"), &disk);
        outcome = work(node);
        passed = !disk.plan.has_fired();
        disk.plan.disarm();
      }
      Node again("mmap", directory.file("data"));
      const auto log = again.open(small_segments());
      CHECK(log->end_offset() >= outcome.acknowledged);
      CHECK(is_prefix(read_all(*log), outcome.appended));
      REQUIRE(log->append(batch_of(1), Epoch(2)));
      again.settle(*log);
      CHECK(log->health());
    }
    CHECK(passed);
  }
}

TEST_CASE("log: a failed sync fences it: appends fail, reads go on, nothing is retried") {
  TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  const auto log = node.open();
  int told = 0;
  log->set_listener([&] { ++told; });
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  node.settle(*log);
  const auto good = log->durable_end();
  disk.plan.arm(Fault::kIo, 2, false);  // the write passes, its sync does not
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  const int told_before = told;
  node.settle(*log);
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return told > told_before; }));
  CHECK(log->durable_end() == good);
  const auto health = log->health();
  REQUIRE_FALSE(health);
  CHECK(health.error().code() == Errc::kIo);
  const auto refused = log->append(batch_of(1), Epoch(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kIo);
  CHECK(log->read(Offset(0), 1'000, good)->bytes > 0);
  CHECK(node.metric("xylem_storage_fenced_logs_total") == 1);
}

TEST_CASE("log: while a sync lasts, what is written is readable, and told to who wants to know") {
  TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  const auto log = node.open();
  int told = 0;
  log->set_listener([&] { ++told; });
  bool tells = false;
  SUBCASE("nobody does") { tells = false; }
  SUBCASE("somebody does") { tells = true; }
  log->set_tells_written(tells);
  disk.plan.hold_syncs(true);
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  CHECK(xylem::testing::run_until(
      node.loop, [&] { return log->written_end() == log->end_offset() && (told > 0 || !tells); }));
  CHECK(log->durable_end() == Offset(0));
  CHECK(log->read(Offset(0), 1'000, kAll)->bytes > 0);
  CHECK(told == (tells ? 1 : 0));
  disk.plan.hold_syncs(false);
  node.settle(*log);
  const int told_of_both = tells ? 2 : 1;
  CHECK(xylem::testing::run_until(node.loop, [&] { return told >= told_of_both; }));
  CHECK(told == told_of_both);
}

TEST_CASE("log: a full disk refuses appends and resumes by itself") {
  TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  const auto log = node.open();
  disk.plan.only_allocations(true);
  disk.plan.arm(Fault::kDiskFull, 1, true);
  const auto first = batch_of(2);
  REQUIRE(log->append(first, Epoch(0)));  // accepted, waits, not acknowledged
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return !log->health(); }));
  CHECK(log->health().error().code() == Errc::kDiskFull);
  CHECK(log->durable_end() == Offset(0));
  const auto refused = log->append(batch_of(1), Epoch(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kDiskFull);
  CHECK(log->end_offset() == Offset(2));

  disk.plan.disarm();
  node.clock.advance_ms(1'000);
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return log->health().has_value(); }));
  node.settle(*log);
  CHECK(log->durable_end() == Offset(2));
  REQUIRE(log->append(batch_of(1), Epoch(0)));
  node.settle(*log);
  CHECK(read_all(*log).size() > first.size());
}

TEST_CASE("log: a full disk does not stop the retention that makes room") {
  TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  auto options = small_segments();
  options.retention_bytes = 1;
  const auto log = node.open(options);
  for (int i = 0; i < 12; ++i) {
    REQUIRE(log->append(batch_of(3, 120), Epoch(1)));
    node.settle(*log);
  }
  const auto segments = log->segments();
  REQUIRE(segments.size() > 2);
  disk.plan.only_allocations(true);
  disk.plan.arm(Fault::kDiskFull, 1, true);
  // More than the active segment has room for: it waits.
  REQUIRE(log->append(batch_of(3, 2'000), Epoch(1)));
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return !log->health(); }));
  REQUIRE(log->retain());
  CHECK(log->start_offset() == segments[1].base_offset);
  CHECK_FALSE(std::filesystem::exists(segments[0].path));
  CHECK(log->end_offset() == Offset(39));
  CHECK(log->health().error().code() == Errc::kDiskFull);

  const auto past_written = log->drop_before(Offset(38));  // this one does need what waits
  REQUIRE_FALSE(past_written);
  CHECK(past_written.error().code() == Errc::kDiskFull);
  disk.plan.disarm();
  node.clock.advance_ms(1'000);
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return log->health().has_value(); }));
  node.settle(*log);
  CHECK(log->durable_end() == Offset(39));
}

TEST_CASE("log: a full disk that cannot note the new start drops nothing and fences nothing") {
  TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  const auto log = node.open(small_segments());
  for (int i = 0; i < 12; ++i) {
    REQUIRE(log->append(batch_of(3, 120), Epoch(1)));
    node.settle(*log);
  }
  const auto second = log->segments().at(1).base_offset;
  disk.plan.arm(Fault::kDiskFull, 1, true);
  const auto dropped = log->drop_before(second);
  REQUIRE_FALSE(dropped);
  CHECK(dropped.error().code() == Errc::kDiskFull);
  CHECK(log->start_offset() == Offset(0));
  disk.plan.disarm();
  REQUIRE(log->drop_before(second));
  CHECK(log->start_offset() == second);
  REQUIRE(log->append(batch_of(1), Epoch(1)));
  node.settle(*log);
  CHECK(log->health());
}

TEST_CASE("log: one that could not be removed is still known, and is removed the next time") {
  bool passed = false;
  for (int call = 1; call <= 10 && !passed; ++call) {
    CAPTURE(call);
    TemporaryDirectory directory(fast_directory());
    FaultDisk disk;
    Node node("mmap", directory.file("data"), &disk);
    const auto log = node.open();
    REQUIRE(log->append(batch_of(2), Epoch(0)));
    node.settle(*log);
    disk.plan.arm(Fault::kIo, call, false);
    const auto removed = node.engine->remove(log_name().id);
    passed = !disk.plan.has_fired();
    CHECK(removed.has_value() == passed);
    CHECK(node.engine->logs().size() == (passed ? 0 : 1));
    if (!removed) CHECK(node.engine->remove(log_name().id));
    CHECK(node.engine->logs().empty());
    CHECK(node.open()->end_offset() == Offset(0));
  }
  CHECK(passed);
}

TEST_CASE("log: a cut back that fails half-way fences, and a restart finds a whole log") {
  bool passed = false;
  for (int call = 1; call <= kCallsMax && !passed; ++call) {
    CAPTURE(call);
    TemporaryDirectory directory(fast_directory());
    Buffer appended;
    {
      FaultDisk disk;
      Node node("mmap", directory.file("data"), &disk);
      const auto log = node.open(small_segments());
      for (int i = 0; i < 12; ++i) {
        REQUIRE(log->append(batch_of(3, 120), Epoch(1)));
        node.settle(*log);
      }
      appended = read_all(*log);
      disk.plan.arm(Fault::kIo, call, true);
      const auto cut = log->cut_back(Offset(16));
      passed = !disk.plan.has_fired();
      CHECK(cut.has_value() == passed);
      if (!cut) CHECK_FALSE(log->health());
      disk.plan.disarm();
    }
    Node again("mmap", directory.file("data"));
    const auto log = again.open(small_segments());
    CHECK(log->end_offset() >= Offset(18));
    CHECK(is_prefix(read_all(*log), appended));
    CHECK(log->lost().empty());
  }
  CHECK(passed);
}

}  // namespace
}  // namespace xylem::storage::testing
