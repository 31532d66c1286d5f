#include "broker/partitions/partition.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"
#include "tests/support/fake_log.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

namespace xylem::broker {
namespace {

using testing::batch_of;

// A batch as a parent sends it: its offset and epoch are given.
Buffer pulled(std::int64_t base) {
  auto batch = batch_of("v");
  assign(batch, Offset(base), Epoch(0));
  return batch;
}

struct Copy {
  ManualClock clock;
  std::shared_ptr<testing::FakeLog> log = std::make_shared<testing::FakeLog>();
  Partition partition{"prices", log, clock};

  Status store(std::int64_t base, std::int64_t high_watermark, std::uint64_t age_ms = 0) {
    auto stored = partition.store(pulled(base), Offset(high_watermark), age_ms);
    if (stored) partition.on_log_progress();
    return stored;
  }
};

TEST_CASE_FIXTURE(Copy,
                  "partition: a copy at its parent's high watermark is as old as the parent") {
  CHECK(partition.age_ms() == Partition::kAgeUnknown);
  REQUIRE(store(0, 2, 5));
  CHECK(partition.age_ms() == Partition::kAgeUnknown);  // there is more
  REQUIRE(store(1, 2, 5));
  CHECK(partition.age_ms() == 5);
  clock.advance_ms(100);
  CHECK(partition.age_ms() == 105);
  partition.confirm(7);
  CHECK(partition.age_ms() == 7);
  partition.confirm(Partition::kAgeUnknown);
  CHECK(partition.age_ms() == 7);
}

TEST_CASE_FIXTURE(Copy, "partition: what cannot be stored ages, whatever the parent confirms") {
  REQUIRE(store(0, 1));
  log->fail_appends(fail(Errc::kDiskFull, "no room"));
  CHECK_FALSE(store(1, 2));
  for (int i = 0; i < 10; ++i) {
    clock.advance_ms(1'000);
    partition.confirm(0);
  }
  CHECK(partition.age_ms() == 10'000);
  log->fail_appends({});
  REQUIRE(store(1, 2));
  CHECK(partition.age_ms() == 0);
}

TEST_CASE_FIXTURE(Copy, "partition: a copy that began anew does not know its age") {
  REQUIRE(store(0, 1));
  REQUIRE(partition.restart_at(Offset(10)));
  CHECK(partition.age_ms() == Partition::kAgeUnknown);
}

TEST_CASE("partition: what waits to be written makes no copy fresh") {
  Loop loop;
  ManualClock clock;
  Metrics metrics;
  storage::PosixDisk disk;
  auto engine = storage::open_storage("memory", "", {loop, disk, clock, Logger::none(), metrics});
  REQUIRE(engine);
  const auto opened = (*engine)->open({"prices", {}}, {});
  REQUIRE(opened);
  const auto log = *opened;
  Partition partition("prices", log, clock);
  int rounds = 0;
  log->set_listener([&] {
    ++rounds;
    partition.on_log_progress();
  });
  REQUIRE(partition.store(pulled(0), Offset(1), 3));
  CHECK(partition.age_ms() == Partition::kAgeUnknown);
  clock.advance_ms(50);
  REQUIRE(partition.store(pulled(1), Offset(2), 3));
  clock.advance_ms(50);
  REQUIRE(partition.store(pulled(2), Offset(9), 3));  // more is to come
  clock.advance_ms(50);
  REQUIRE(testing::run_until(loop, [&] { return rounds > 0; }));
  CHECK(partition.high_watermark() == Offset(3));
  CHECK(partition.age_ms() == 3 + 150);  // level with what the parent had at first
  log->set_listener(nullptr);
}

TEST_CASE_FIXTURE(Copy, "partition: lost offsets refuse nothing that waits, a fence does") {
  partition.lead(Epoch(0));
  log->hold_durable_at(Offset(0));
  std::optional<Result<Partition::Appended>> done;
  partition.append(batch_of("v"), Acks::kAll, [&](auto appended) { done = std::move(appended); });
  for (const auto code : {Errc::kDiskFull, Errc::kCorrupt}) {
    log->fail_appends(fail(code, "trouble"));
    partition.on_log_progress();
    CHECK_FALSE(done.has_value());
  }
  SUBCASE("committed") {
    log->hold_durable_at(Offset(1));
    partition.on_log_progress();
    REQUIRE(done);
    CHECK(done->has_value());
  }
  SUBCASE("fenced") {
    log->fail_appends(fail(Errc::kIo, "sync failed"));
    partition.on_log_progress();
    REQUIRE(done);
    REQUIRE_FALSE(*done);
    CHECK(done->error().code() == Errc::kIo);
  }
}

}  // namespace
}  // namespace xylem::broker
