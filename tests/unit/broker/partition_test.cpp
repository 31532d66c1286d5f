// When an append counts as committed, and what a broker makes of a damaged log.
#include "broker/partitions/partition_table.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace xylem::broker {
namespace {

using storage::testing::batch_of;
using storage::testing::fast_directory;
using testing::run_until;

constexpr std::int64_t kFlushIntervalMs = 50;

TopicDefinition topic_of(storage::Flush flush) {
  TopicDefinition topic;
  topic.name = "prices";
  topic.incarnation = storage::testing::log_name().id.incarnation;
  topic.flush = flush;
  return topic;
}

// Partitions on a real disk, in one life of a broker.
struct World {
  explicit World(const std::string& data, std::uint64_t retention_check_ms = 10'000)
      : node("mmap", data) {
    auto engine = storage::open_storage(
        "mmap", data, {node.loop, node.disk, node.clock, Logger::none(), node.metrics});
    REQUIRE(engine);
    node.engine = std::move(*engine);
    table.emplace(PartitionTable::Context{node.loop, node.clock, Logger::none(), *node.engine},
                  PartitionTable::Options{.flush_interval_ms = kFlushIntervalMs,
                                          .retention_check_ms = retention_check_ms});
  }

  Partition& open(storage::Flush flush, Epoch leadership, std::int64_t retention_bytes = -1) {
    auto topic = topic_of(flush);
    topic.retention_bytes = retention_bytes;
    auto opened = table->open(topic, PartitionId(0), leadership);
    REQUIRE(opened);
    return **opened;
  }

  storage::testing::Node node;
  std::optional<PartitionTable> table;
};

// The quorum's part, played by the test: it says itself how far the partition is committed.
struct ToldByTest final : Replication {
  void log_moved(Partition& /*partition*/) override {}

  [[nodiscard]] Status may_append(const LogId& /*log*/, Acks /*acks*/) const override { return {}; }

  [[nodiscard]] std::uint16_t synced_at(const LogId& /*log*/, Offset /*end*/) const override {
    return 1;
  }

  [[nodiscard]] std::uint64_t leader_age_ms() const override { return 0; }
};

TEST_CASE(
    "partition: a replica that hears of a commit before its own write tells of it after that") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  ToldByTest quorum;
  auto opened = world.table->open(topic_of(storage::Flush::kAlways), PartitionId(0), quorum);
  REQUIRE(opened);
  auto& partition = **opened;
  std::vector<Offset> served;
  world.table->observe([&](Partition& moved) {
    const auto read = moved.log()->read(Offset(0), 1 << 20, moved.high_watermark());
    REQUIRE(read);
    served.push_back(read->slices.empty() ? Offset(0) : moved.high_watermark());
  });
  const auto batch = storage::testing::placed(batch_of(2), Offset(0), Epoch(1));
  REQUIRE(partition.store(batch, Offset(2), 0));
  partition.commit(Offset(2));
  world.table->announce(partition);
  CHECK(partition.high_watermark() == Offset(0));
  REQUIRE(run_until(world.node.loop, [&] { return !served.empty(); }));
  CHECK(served == std::vector{Offset(2)});
}

TEST_CASE("partition: flush=interval commits with the sync, and only then shows what it has") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  auto& partition = world.open(storage::Flush::kInterval, Epoch(1));
  std::optional<Partition::Appended> acknowledged;
  partition.append(batch_of(2), Acks::kAll, [&](auto done) {
    REQUIRE(done);
    acknowledged = *done;
  });
  REQUIRE(run_until(world.node.loop, [&] { return partition.log()->written_end() == Offset(2); }));
  testing::run_for(world.node.loop, 2);
  CHECK_FALSE(acknowledged);
  CHECK(partition.high_watermark() == Offset(0));
  REQUIRE(run_until(world.node.loop, [&] {
    world.node.clock.advance_ms(kFlushIntervalMs);
    return acknowledged.has_value();
  }));
  CHECK(partition.log()->synced_end() == Offset(2));
  CHECK(partition.high_watermark() == Offset(2));
  CHECK(acknowledged->replicas_synced == 1);
}

TEST_CASE("partition: flush=never commits what is written and claims no synced replica") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  auto& partition = world.open(storage::Flush::kNever, Epoch(1));
  std::optional<Partition::Appended> acknowledged;
  partition.append(batch_of(2), Acks::kAll, [&](auto done) {
    REQUIRE(done);
    acknowledged = *done;
  });
  REQUIRE(run_until(world.node.loop, [&] { return acknowledged.has_value(); }));
  CHECK(acknowledged->replicas_synced == 0);
  CHECK(partition.high_watermark() == Offset(2));

  world.table->apply(topic_of(storage::Flush::kInterval), PartitionId(0));
  testing::run_for(world.node.loop, 2);
  CHECK(partition.high_watermark() == Offset(2));
}

TEST_CASE("partition: what was pulled is shown before it is synced: the parent has it") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  auto& partition = world.open(storage::Flush::kAlways, kNoEpoch);
  REQUIRE(
      partition.store(storage::testing::placed(batch_of(2), Offset(0), Epoch(1)), Offset(2), 0));
  REQUIRE(run_until(world.node.loop, [&] { return partition.high_watermark() == Offset(2); }));
  CHECK(partition.log()->synced_end() == Offset(0));
}

// Batches of two records; the third one's bytes flip while nobody looks.
class Damaged {
 public:
  explicit Damaged(int count = 6, std::size_t value_bytes = 10) {
    World world(data());
    auto& partition = world.open(storage::Flush::kAlways, Epoch(1));
    for (int i = 0; i < count; ++i) {
      const auto batch = batch_of(2, value_bytes);
      batches.push_back(storage::testing::placed(batch, Offset(2 * i), Epoch(1)));
      partition.append(batch, Acks::kAll, [](const auto& done) { REQUIRE(done); });
    }
    REQUIRE(run_until(world.node.loop,
                      [&] { return partition.high_watermark() == Offset(2 * count); }));
    const auto file = partition.log()->segments().at(0).path;
    world.table.reset();
    world.node.stop();
    auto bytes = read_text(file);
    bytes[3 * batches[0].size() - 1] ^= 1;
    write_text(file, bytes);
  }

  [[nodiscard]] std::string data() const { return directory_.file("data"); }

  std::vector<Buffer> batches;

 private:
  TemporaryDirectory directory_{fast_directory()};
};

Buffer all_of(const Partition& partition) {
  const auto read = partition.log()->read(Offset(0), 1'000'000, partition.high_watermark());
  REQUIRE(read);
  return storage::testing::bytes_in(*read);
}

TEST_CASE("partition: a damaged copy serves what is below the damage, and all once it is filled") {
  const Damaged made;
  for (int start = 0; start < 2; ++start) {
    World world(made.data());
    auto& partition = world.open(storage::Flush::kAlways, kNoEpoch);
    if (start == 0) {
      CHECK(partition.high_watermark() == Offset(4));
      CHECK(partition.log()->end_offset() == Offset(12));  // what is above stays
      REQUIRE(partition.store({}, Offset(12), 0));
      CHECK(partition.age_ms() == Partition::kAgeUnknown);
      REQUIRE(partition.log()->fill(made.batches[2], Offset(6)));
    }
    REQUIRE(run_until(world.node.loop, [&] { return partition.high_watermark() == Offset(12); }));
    if (start == 0) CHECK(partition.age_ms() != Partition::kAgeUnknown);
    Buffer expected;
    for (const auto& batch : made.batches) xylem::append(batch, expected);
    CHECK(all_of(partition) == expected);
  }
}

TEST_CASE("partition: a copy goes on when retention has passed what it misses") {
  const Damaged made;
  World world(made.data(), 1);
  auto& partition = world.open(storage::Flush::kAlways, kNoEpoch, 1);
  std::vector<Offset> told;
  world.table->observe([&](const Partition& moved) { told.push_back(moved.high_watermark()); });
  REQUIRE(run_until(world.node.loop, [&] { return !told.empty(); }));
  CHECK(told == std::vector{Offset(12)});
  CHECK(partition.log()->start_offset() == Offset(6));
}

TEST_CASE("partition: a copy whose end is damaged ends before it, and pulls on from there") {
  const Damaged made(3);
  World world(made.data());
  auto& partition = world.open(storage::Flush::kAlways, kNoEpoch);
  CHECK(partition.log()->lost().empty());
  CHECK(partition.log()->health());
  CHECK(partition.high_watermark() == Offset(4));
  CHECK(partition.log()->end_offset() == Offset(4));
  REQUIRE(partition.store(made.batches[2], Offset(6), 0));
  REQUIRE(run_until(world.node.loop, [&] { return partition.high_watermark() == Offset(6); }));
}

TEST_CASE("partition: damage that a reader finds holds the copy there while the broker runs") {
  const Damaged made(40, 100'000);  // the first MiB is looked at when it is read
  World world(made.data());
  auto& partition = world.open(storage::Flush::kAlways, kNoEpoch);
  CHECK(partition.high_watermark() == Offset(80));
  std::vector<LogId> cut;
  world.table->on_cut_back([&](const Partition& which) { cut.push_back(which.id()); });
  std::vector<Offset> told;
  world.table->observe([&](const Partition& moved) { told.push_back(moved.high_watermark()); });
  const auto refused = partition.log()->read(Offset(4), 1, Offset(80));
  REQUIRE_FALSE(refused);
  REQUIRE(run_until(world.node.loop, [&] { return !told.empty(); }));
  CHECK(told == std::vector{Offset(4)});
  CHECK(cut.empty());
  CHECK(partition.log()->end_offset() == Offset(80));

  world.table->give_up_lost(partition);  // nobody can fill it
  CHECK(told == std::vector{Offset(4)});
  CHECK(cut == std::vector{partition.id()});
  CHECK(partition.log()->end_offset() == Offset(4));
  CHECK(partition.log()->lost().empty());
}

TEST_CASE("partition: an owner keeps what is left, says what it lost, and goes on acknowledging") {
  const Damaged made;
  World world(made.data());
  auto& partition = world.open(storage::Flush::kInterval, Epoch(2));
  CHECK(partition.high_watermark() == Offset(12));
  REQUIRE(partition.log()->lost().size() == 1);
  CHECK(partition.log()->health().error().code() == Errc::kCorrupt);
  std::optional<Partition::Appended> acknowledged;
  partition.append(batch_of(1), Acks::kAll, [&](const auto& done) {
    REQUIRE(done);
    acknowledged = *done;
  });
  REQUIRE(run_until(world.node.loop, [&] {
    world.node.clock.advance_ms(kFlushIntervalMs);
    return acknowledged.has_value();
  }));
  CHECK(acknowledged->base_offset == Offset(12));
  CHECK(partition.log()->lost().size() == 1);
}

}  // namespace
}  // namespace xylem::broker
