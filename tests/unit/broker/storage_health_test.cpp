#include "broker/partitions/storage_health.h"

#include "broker/partitions/partition.h"
#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

using pipe::Health;

struct Logs {
  ManualClock clock;
  std::vector<std::unique_ptr<Partition>> partitions;

  void open(const std::string& topic, Status health) {
    const LogId id{{Uuid::from_words(0, 1), 0},
                   PartitionId(static_cast<std::int32_t>(partitions.size()))};
    auto log = std::make_shared<testing::FakeLog>(id);
    log->fail_appends(std::move(health));
    partitions.push_back(std::make_unique<Partition>(topic, log, clock));
  }

  [[nodiscard]] StorageHealth health() const {
    std::vector<Partition*> all;
    for (const auto& partition : partitions) all.push_back(partition.get());
    return storage_health(all);
  }
};

TEST_CASE_FIXTURE(Logs, "storage health: without trouble, or without logs, it is healthy") {
  CHECK(health().health == Health::kHealthy);
  open("prices", {});
  CHECK(health().health == Health::kHealthy);
  CHECK(health().status.has_value());
}

TEST_CASE_FIXTURE(Logs, "storage health: the worst log decides, and is named") {
  open("prices", {});
  open("prices", fail(Errc::kDiskFull, "no space left"));
  CHECK(health().health == Health::kDegraded);
  CHECK(health().status.error().code() == Errc::kDiskFull);
  CHECK(health().status.error().what() == "prices/1: no space left");
  open("rules", fail(Errc::kIo, "sync failed"));
  open("rules", fail(Errc::kCorrupt, "offsets 3 to 4 were lost"));
  CHECK(health().health == Health::kUnhealthy);
  CHECK(health().status.error().what() == "rules/2: sync failed");
}

TEST_CASE_FIXTURE(Logs, "storage health: an owner is ready on a full disk, not with a fenced log") {
  open("prices", fail(Errc::kDiskFull, "no space left"));
  open("prices", fail(Errc::kCorrupt, "offsets 3 to 4 were lost"));
  CHECK(owner_ready(health()));
  open("rules", fail(Errc::kIo, "sync failed"));
  const auto ready = owner_ready(health());
  REQUIRE_FALSE(ready);
  CHECK(ready.error().code() == Errc::kUnavailable);
  CHECK(ready.error().what() == "a log is fenced: rules/2: sync failed");
}

TEST_CASE_FIXTURE(Logs, "storage health: lost offsets degrade") {
  open("prices", fail(Errc::kCorrupt, "offsets 3 to 4 were lost"));
  CHECK(health().health == Health::kDegraded);
}

}  // namespace
}  // namespace xylem::broker
