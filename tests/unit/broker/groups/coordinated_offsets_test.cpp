#include "broker/groups/coordinated_offsets.h"

#include "network/client/partitioner.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

using testing::run_until;

const Incarnation kTopic{Uuid::from_words(7, 7), 0};

// Commits what is durable here, as if the followers had it too, unless they are away.
class FakeReplication final : public Replication {
 public:
  void log_moved(Partition& partition) override {
    if (!is_away) partition.commit(partition.log()->durable_end());
  }

  [[nodiscard]] Status may_append(const LogId& /*log*/, Acks /*acks*/) const override {
    if (is_refusing) return fail(Errc::kNotEnoughReplicas, "too few");
    return {};
  }

  [[nodiscard]] std::uint16_t synced_at(const LogId& /*log*/, Offset /*end*/) const override {
    return 2;
  }

  [[nodiscard]] std::uint64_t leader_age_ms() const override { return 0; }

  bool is_away = false;
  bool is_refusing = false;
};

class World {
 public:
  World() {
    auto engine = storage::open_storage("memory", directory.file("data"),
                                        {loop, disk, clock, Logger::none(), metrics});
    REQUIRE(engine);
    storage = std::move(*engine);
    partitions.emplace(PartitionTable::Context{loop, clock, Logger::none(), *storage},
                       PartitionTable::Options{});
    const auto opened = partitions->open(group_offsets_topic(), log().partition, replication);
    REQUIRE(opened);
    partition = *opened;
    begin();
  }

  ~World() { partitions.reset(); }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static LogId log() {
    return group_offsets_topic().log(
        network::partition_by_key(bytes_of("g"), kGroupOffsetsPartitions).value());
  }

  // Another broker, as far as what is kept in memory goes, leads from now on.
  void lead_anew() {
    partition->stop_leading();
    begin();
    partition->lead(Epoch(++epoch));
    offsets->on_leaders_changed();
  }

  void begin() {
    offsets.emplace(
        OffsetsLog::Context{loop, clock, Logger::none(), *partitions},
        CoordinatedOffsets::Hooks{
            .leader_address = [](const LogId&) { return "root-1:9092"; },
            .exists = [this](const Incarnation& topic) { return !gone.contains(topic); }});
    if (!std::exchange(is_observed, true))
      partitions->observe([this](const Partition& moved) { offsets->on_moved(moved); });
  }

  [[nodiscard]] bool until_ready() {
    return run_until(loop, [&] { return offsets->keeps("g").has_value(); });
  }

  void commit(std::int32_t p, std::int64_t next, const Incarnation& topic = kTopic) {
    offsets->commit(at(p), {Offset(next), topic},
                    [this](Status outcome) { outcomes.push_back(std::move(outcome)); });
  }

  [[nodiscard]] bool until_answered(std::size_t count) {
    return run_until(loop, [&] { return outcomes.size() == count; });
  }

  static GroupPartition at(std::int32_t p) { return {"g", "t", PartitionId(p)}; }

  [[nodiscard]] std::optional<Offset> found(std::int32_t p) const {
    const auto offset = offsets->find(at(p));
    return offset ? std::optional(offset->next) : std::nullopt;
  }

  Loop loop;
  SystemClock clock;
  Metrics metrics;
  storage::PosixDisk disk;
  TemporaryDirectory directory;
  std::unique_ptr<storage::StorageEngine> storage;
  FakeReplication replication;
  std::set<Incarnation> gone;
  std::int32_t epoch = 0;
  std::optional<PartitionTable> partitions;
  Partition* partition = nullptr;
  bool is_observed = false;
  std::optional<CoordinatedOffsets> offsets;
  std::vector<Status> outcomes;
};

TEST_CASE("coordinated offsets: the next leader knows what was committed") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.commit(0, 5);
  world.commit(1, 6);
  world.commit(0, 7);
  REQUIRE(world.until_answered(3));
  for (const auto& outcome : world.outcomes) CHECK(outcome);
  CHECK(world.partition->log()->end_offset() == Offset(3));  // the later two in one batch
  world.lead_anew();
  REQUIRE(world.until_ready());
  CHECK(world.found(0) == Offset(7));
  CHECK(world.found(1) == Offset(6));
  CHECK(world.offsets->all().size() == 2);
}

TEST_CASE("coordinated offsets: who does not lead names who does") {
  World world;
  const auto here = world.offsets->keeps("g");
  REQUIRE_FALSE(here);
  CHECK(here.error().code() == Errc::kNotLeader);
  CHECK(here.error().hint() == "root-1:9092");
  world.commit(0, 5);
  REQUIRE(world.outcomes.size() == 1);
  CHECK(world.outcomes[0].error().code() == Errc::kNotLeader);
  CHECK_FALSE(world.found(0));
  CHECK(world.offsets->keeps("").error().code() == Errc::kInvalidRequest);
}

TEST_CASE("coordinated offsets: nobody is answered before all from earlier leaders is committed") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.replication.is_away = true;
  world.commit(0, 5);
  REQUIRE(
      run_until(world.loop, [&] { return world.partition->log()->durable_end() == Offset(1); }));
  world.lead_anew();
  REQUIRE(world.until_answered(1));  // refused, and yet it may be committed
  CHECK(world.outcomes[0].error().code() == Errc::kNotLeader);
  CHECK(world.offsets->keeps("g").error().code() == Errc::kUnavailable);
  world.commit(0, 4);
  REQUIRE(world.until_answered(2));
  CHECK(world.outcomes[1].error().code() == Errc::kUnavailable);
  CHECK_FALSE(world.found(0));
  world.replication.is_away = false;
  world.partition->commit(Offset(1));
  world.partitions->announce(*world.partition);
  REQUIRE(world.until_ready());
  CHECK(world.found(0) == Offset(5));
}

TEST_CASE("coordinated offsets: a commit never goes back, and a refused one changes nothing") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.commit(0, 5);
  REQUIRE(world.until_answered(1));
  world.commit(0, 4);
  REQUIRE(world.until_answered(2));
  CHECK(world.outcomes[1].error().code() == Errc::kInvalidRequest);
  world.replication.is_refusing = true;
  world.commit(0, 9);
  REQUIRE(world.until_answered(3));
  CHECK(world.outcomes[2].error().code() == Errc::kNotEnoughReplicas);
  CHECK(world.found(0) == Offset(5));
  world.replication.is_refusing = false;
  const Incarnation made_anew{Uuid::from_words(8, 8), 0};
  world.commit(0, 1, made_anew);
  REQUIRE(world.until_answered(4));
  CHECK(world.outcomes[3]);
  CHECK(world.found(0) == Offset(1));
}

TEST_CASE("coordinated offsets: a leadership that ends answers all that waits") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.replication.is_away = true;
  for (std::int32_t p = 0; p < 10; ++p) world.commit(p, 5);
  world.partition->stop_leading();
  CHECK(world.outcomes.size() == 10);
  for (const auto& outcome : world.outcomes) CHECK(outcome.error().code() == Errc::kNotLeader);
}

TEST_CASE("coordinated offsets: a leader elected again knows what was under way") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.replication.is_away = true;
  world.commit(0, 5);
  world.commit(0, 6);  // waits for the first one
  world.partition->lead(Epoch(++world.epoch));
  world.offsets->on_leaders_changed();
  CHECK(world.offsets->keeps("g").error().code() == Errc::kUnavailable);
  world.replication.is_away = false;
  REQUIRE(world.until_ready());
  REQUIRE(world.until_answered(2));
  CHECK(world.outcomes[0]);
  CHECK(world.outcomes[1].error().code() == Errc::kNotLeader);
  CHECK(world.found(0) == Offset(5));
}

TEST_CASE("coordinated offsets: a group is forgotten by its coordinator, for good") {
  World world;
  const auto forget = [&] {
    std::vector<GroupPartition> gone;
    for (const auto& p : {0, 1}) gone.push_back(World::at(p));
    world.offsets->forget(gone, [&](const Status& done) { world.outcomes.push_back(done); });
  };
  forget();
  REQUIRE(world.outcomes.size() == 1);
  CHECK(world.outcomes.front().error().code() == Errc::kNotLeader);
  CHECK(world.offsets->of("g").empty());
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.commit(0, 5);
  world.commit(1, 6);
  REQUIRE(world.until_answered(3));
  CHECK(world.offsets->of("g").size() == 2);
  forget();
  REQUIRE(world.until_answered(4));
  CHECK(world.outcomes.back());
  CHECK(world.offsets->of("g").empty());
  world.lead_anew();
  REQUIRE(world.until_ready());
  CHECK(world.offsets->of("g").empty());
  CHECK_FALSE(world.found(0));
}

TEST_CASE("coordinated offsets: what a deleted topic leaves is taken back, for good") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.commit(0, 5);
  world.commit(1, 5, {Uuid::from_words(8, 8), 0});
  REQUIRE(world.until_answered(2));
  world.gone.insert(kTopic);
  world.offsets->on_topics_changed();
  REQUIRE(run_until(world.loop, [&] { return world.offsets->all().size() == 1; }));
  CHECK_FALSE(world.found(0));
  CHECK(world.found(1) == Offset(5));
  world.lead_anew();
  REQUIRE(world.until_ready());
  CHECK_FALSE(world.found(0));
  CHECK(world.found(1) == Offset(5));
}

TEST_CASE("coordinated offsets: a new leader takes back what the last one left") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  world.commit(0, 5);
  REQUIRE(world.until_answered(1));
  world.partition->stop_leading();
  world.gone.insert(kTopic);
  world.lead_anew();
  REQUIRE(run_until(world.loop, [&] {
    return world.partition->high_watermark() == Offset(2) && world.offsets->all().empty();
  }));
}

TEST_CASE("coordinated offsets: a long log is read a part at a time") {
  World world;
  world.lead_anew();
  REQUIRE(world.until_ready());
  constexpr std::int32_t kCommits = 9'000;
  for (std::int32_t p = 0; p < kCommits; ++p) world.commit(p, p);
  REQUIRE(world.until_answered(kCommits));
  for (std::int32_t p = 0; p < kCommits; ++p) world.commit(p, p + 1);
  REQUIRE(world.until_answered(2 * std::size_t{kCommits}));
  REQUIRE(world.partition->log()->bytes() > 2 * static_cast<std::int64_t>(LedLog::kReadBytes));
  world.lead_anew();
  CHECK_FALSE(world.offsets->keeps("g"));
  REQUIRE(world.until_ready());
  CHECK(world.offsets->all().size() == kCommits);
  CHECK(world.found(kCommits - 1) == Offset(kCommits));
}

}  // namespace
}  // namespace xylem::broker
