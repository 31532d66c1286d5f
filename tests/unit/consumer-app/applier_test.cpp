#include "consumer-app/applier.h"

#include "tests/support/delivered_batches.h"
#include "tests/unit/consumer-app/daemon.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

// An engine whose logs refuse the first `refusals` appends.
class FullEngine final : public storage::StorageEngine {
 public:
  FullEngine(storage::StorageEngine& inner, int refusals) : inner_(inner), refusals_(refusals) {}

  Result<std::shared_ptr<storage::PartitionLog>> open(const storage::LogName& name,
                                                      const storage::LogOptions& options) override {
    if (refusals_-- > 0) return fail(Errc::kDiskFull, "no space");
    return inner_.open(name, options);
  }

  [[nodiscard]] std::vector<storage::LogName> logs() const override { return inner_.logs(); }

  Status remove(const LogId& id) override { return inner_.remove(id); }

  Status carry_over(const storage::LogName& name) override { return inner_.carry_over(name); }

  Status close() override { return inner_.close(); }

 private:
  storage::StorageEngine& inner_;
  int refusals_;
};

struct Fixture : Daemon {
  void begin(storage::StorageEngine& engine, Applier::Limits limits = {}) {
    limits.retry_ms = 20;
    log.emplace(*RecordLog::open(engine, {}));
    auto store = ViewStore::open(view_path(), view_options());
    REQUIRE(store);
    applier = std::make_unique<Applier>(Applier::Context{world.loop, *log, Logger::none(), metrics},
                                        std::move(*store), limits);
    reader = *ViewReader::open(view_path());
  }

  bool until_committed() {
    bool committed = false;
    applier->after_commit("t", [&] { committed = true; });
    CHECK_FALSE(committed);  // never inside the call
    return world.until([&] { return committed; });
  }
};

TEST_CASE("applier: a full disk holds the queue, and what waited is applied once there is room") {
  Fixture daemon;
  FullEngine full(*daemon.storage, 3);
  daemon.begin(full);
  daemon.applier->push(apply_of(0, {{"a", "1"}}));
  REQUIRE(daemon.world.until([&] { return !daemon.applier->health().has_value(); }));
  CHECK(daemon.applier->health().error().code() == Errc::kDiskFull);
  daemon.applier->push(apply_of(1, {{"a", "2"}}));
  REQUIRE(daemon.until_committed());
  CHECK(daemon.applier->health());
  CHECK(daemon.value("a") == "2");
  CHECK(daemon.current().records == 2);
  CHECK(daemon.metrics.counter("xylem_consumer_transaction_failures_total", "").value() == 3);
}

TEST_CASE("applier: a log that fails for good stops its topic, and no other") {
  Fixture daemon;
  daemon.storage = std::make_unique<BrokenTopicEngine>(std::move(daemon.storage), "u");
  daemon.begin(*daemon.storage);
  const auto of_u = [](std::int64_t base) {
    auto change = apply_of(base, {{"a", "u"}}, Copy::kCurrent, kSecond);
    change.topic = "u";
    return change;
  };
  bool told = false;
  daemon.applier->push(apply_of(0, {{"a", "1"}}));
  daemon.applier->push(of_u(0));
  daemon.applier->push(apply_of(1, {{"a", "2"}}));
  daemon.applier->push(of_u(1));
  daemon.applier->after_commit("u", [&] { told = true; });
  daemon.applier->push(apply_of(2, {{"a", "3"}}));
  REQUIRE(daemon.until_committed());
  CHECK(daemon.value("a") == "3");
  CHECK(daemon.current().records == 3);
  CHECK(daemon.current("u").records == 0);
  CHECK(daemon.applier->health());
  CHECK(daemon.applier->health("t"));
  REQUIRE_FALSE(daemon.applier->health("u"));
  CHECK(daemon.applier->health("u").error().code() == Errc::kIo);
  CHECK_FALSE(told);
  CHECK(daemon.metrics.gauge("xylem_consumer_queue_bytes", "").value() == 0);

  daemon.applier->push(of_u(0));
  daemon.applier->push(apply_of(3, {{"a", "4"}}));
  REQUIRE(daemon.until_committed());
  CHECK(daemon.value("a") == "4");
  CHECK(daemon.current("u").records == 0);
}

TEST_CASE("applier: pressure is told once up and once down") {
  Fixture daemon;
  Applier::Limits limits;
  limits.queue_bytes_high = 200;
  limits.queue_bytes_low = 100;
  daemon.begin(*daemon.storage, limits);
  std::vector<bool> told;
  daemon.applier->on_pressure([&](bool pressed) { told.push_back(pressed); });
  for (int i = 0; i < 20; ++i) daemon.applier->push(apply_of(i, {{"k", std::to_string(i)}}));
  CHECK(told == std::vector<bool>{true});
  CHECK(daemon.applier->is_under_pressure());
  REQUIRE(daemon.until_committed());
  CHECK(told == std::vector<bool>{true, false});
}

TEST_CASE("applier: what waits is committed in large groups") {
  Fixture daemon;
  daemon.begin(*daemon.storage);
  constexpr int kBatches = 1'000;
  for (int i = 0; i < kBatches; ++i) daemon.applier->push(apply_of(i, {{"k", std::to_string(i)}}));
  REQUIRE(daemon.until_committed());
  CHECK(daemon.current().records == kBatches);
  CHECK(daemon.metrics.counter("xylem_consumer_transactions_total", "").value() < 10);
}

TEST_CASE("applier: an old copy goes in steps while new records are applied") {
  Fixture daemon;
  Applier::Limits limits;
  limits.drop_entries_max = 1;
  daemon.begin(*daemon.storage, limits);
  daemon.applier->push(apply_of(0, {{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  daemon.applier->push(BeginShadow{"t", 9, kFirst});
  daemon.applier->push(apply_of(0, {{"a", "1"}}, Copy::kShadow));
  daemon.applier->push(SwapIn{"t", {}});
  daemon.applier->push(apply_of(3, {{"d", "1"}}));
  REQUIRE(daemon.until_committed());
  CHECK(daemon.current().keys == 2);
  auto database = Database::open(daemon.view_path(), {.read_only = true});
  REQUIRE(database);
  auto rows = database->prepare("SELECT count(*) FROM entries");
  REQUIRE(rows);
  CHECK(daemon.world.until([&] {
    const auto row = rows->next();
    const bool gone = row && *row && rows->integer(0) == 2;
    rows->reset();
    return gone;
  }));
}

TEST_CASE("applier: an end in the middle of the work loses no more than what was not committed") {
  Fixture daemon;
  for (int round = 0; round < 10; ++round) {
    daemon.begin(*daemon.storage);
    for (int i = 0; i < 50; ++i) daemon.applier->push(apply_of(i, {{"k", std::to_string(i)}}));
    daemon.applier.reset();
    const auto at = daemon.current();
    const auto found = at.cursors.find(PartitionId(0));
    if (found != at.cursors.end()) {
      CHECK(at.records == found->second.value());
      CHECK(daemon.value("k") == std::to_string(found->second.value() - 1));
    }
  }
}

}  // namespace
}  // namespace xylem::consumer_app
