// When an append counts as committed, and what a broker makes of a damaged log.
#include "broker/partitions/partition_table.h"
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
  explicit World(const std::string& data) : node("mmap", data) {
    auto engine = storage::open_storage(
        "mmap", data, {node.loop, node.disk, node.clock, Logger::none(), node.metrics});
    REQUIRE(engine);
    node.engine = std::move(*engine);
    table.emplace(PartitionTable::Context{node.loop, node.clock, Logger::none(), *node.engine},
                  PartitionTable::Options{.flush_interval_ms = kFlushIntervalMs});
  }

  Partition& open(storage::Flush flush, Epoch leadership) {
    auto opened = table->open(topic_of(flush), PartitionId(0), leadership);
    REQUIRE(opened);
    return **opened;
  }

  storage::testing::Node node;
  std::optional<PartitionTable> table;
};

TEST_CASE("partition: flush=interval commits with the sync, and only then shows what it has") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  auto& partition = world.open(storage::Flush::kInterval, Epoch(1));
  std::optional<Partition::Appended> acknowledged;
  partition.append(batch_of(2), [&](auto done) {
    REQUIRE(done);
    acknowledged = *done;
  });
  REQUIRE(run_until(world.node.loop, [&] { return partition.log()->written_end() == Offset(2); }));
  testing::run_for(world.node.loop, 2);
  CHECK_FALSE(acknowledged);
  CHECK(partition.high_watermark() == Offset(0));
  world.node.clock.advance_ms(kFlushIntervalMs);
  REQUIRE(run_until(world.node.loop, [&] { return acknowledged.has_value(); }));
  CHECK(partition.log()->synced_end() == Offset(2));
  CHECK(partition.high_watermark() == Offset(2));
  CHECK(acknowledged->replicas_synced == 1);
}

TEST_CASE("partition: flush=never commits what is written and claims no synced replica") {
  const TemporaryDirectory directory(fast_directory());
  World world(directory.file("data"));
  auto& partition = world.open(storage::Flush::kNever, Epoch(1));
  std::optional<Partition::Appended> acknowledged;
  partition.append(batch_of(2), [&](auto done) {
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

}  // namespace
}  // namespace xylem::broker
