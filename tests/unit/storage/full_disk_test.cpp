// What waits for a full disk can be given up, and the log notices by itself when there is room.
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

bool is_full(const PartitionLog& log) {
  const auto writable = log.writable();
  return !writable && writable.error().code() == Errc::kDiskFull;
}

TEST_CASE("full disk: what was not written is given up, and its offsets are given out again") {
  const TemporaryDirectory directory(fast_directory());
  FaultDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  const auto log = node.open();
  for (const bool has_written : {false, true}) {
    CAPTURE(has_written);
    const auto written = log->end_offset();
    disk.plan.only_allocations(true);
    disk.plan.arm(Fault::kDiskFull, 1, true);
    while (!is_full(*log)) {  // what is allocated already takes some
      REQUIRE(log->append(batch_of(10, 2'000), Epoch(1)));
      REQUIRE(run_until(node.loop,
                        [&] { return is_full(*log) || log->durable_end() == log->end_offset(); }));
    }
    CHECK(log->end_offset() > log->written_end());
    REQUIRE(log->give_up_unwritten());
    CHECK(log->end_offset() == log->written_end());
    CHECK(log->written_end() >= written);
    node.clock.advance_ms(1'000);
    const auto refused = log->append(batch_of(1), Epoch(1));  // nothing waits, and it is full still
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kDiskFull);

    disk.plan.disarm();
    node.clock.advance_ms(1'000);
    REQUIRE(run_until(node.loop, [&] { return !is_full(*log); }));
    const auto next = log->end_offset();
    const auto taken = log->append(batch_of(10), Epoch(1));
    REQUIRE(taken);
    CHECK(*taken == next);
    node.settle(*log);
    const auto read = log->read(next, 1, kAll);
    REQUIRE(read);
    CHECK(read->next == next + 10);
  }
}

}  // namespace
}  // namespace xylem::storage::testing
