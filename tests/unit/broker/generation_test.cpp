// Partitions when their topic begins a new generation.
#include "common/batch/batch_builder.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

namespace xylem::testing {
namespace {

// Nobody else has a replica.
class Alone final : public broker::Replication {
 public:
  void log_moved(broker::Partition& partition) override {
    partition.commit(partition.log()->durable_end());
  }

  [[nodiscard]] Status may_append(const LogId& /*log*/, broker::Acks /*acks*/) const override {
    return {};
  }

  [[nodiscard]] std::uint16_t synced_at(const LogId& /*log*/, Offset /*end*/) const override {
    return 1;
  }

  [[nodiscard]] std::uint64_t leader_age_ms() const override { return 0; }
};

struct Generations {
  Generations() : ended(world.create("t", 2)), begun(ended) {
    ++begun.incarnation.generation;
    BatchBuilder builder;
    REQUIRE(builder.add({.key = "k", .value = "v"}));
    const auto batch = *builder.build();
    for (int p = 0; p < 2; ++p) {
      bool is_there = false;
      world.partitions->find(ended.log(p))
          ->append(batch, broker::Acks::kAll,
                   [&](const auto& done) { is_there = done.has_value(); });
      REQUIRE(run_until(world.loop, [&] { return is_there; }));
    }
  }

  Alone replication;
  BrokerWorld world;
  broker::TopicDefinition ended;
  broker::TopicDefinition begun;
};

TEST_CASE("generations: a replica carries over what was forgotten, and only that") {
  Generations it;
  auto& partitions = *it.world.partitions;
  partitions.forget(it.ended.log(0));
  CHECK(partitions.find(it.ended.log(0)) == nullptr);
  const auto opened = partitions.open(it.begun, PartitionId(0), it.replication);
  REQUIRE(opened);
  CHECK((*opened)->id() == it.begun.log(0));
  CHECK((*opened)->log()->end_offset() == Offset(1));
  CHECK(partitions.find(it.ended.log(1))->log()->end_offset() == Offset(1));
}

TEST_CASE("generations: who pulls a new one begins it from its start") {
  Generations it;
  auto& partitions = *it.world.partitions;
  partitions.forget(it.ended.log(0));
  const auto opened = partitions.open(it.begun, PartitionId(0), kNoEpoch);
  REQUIRE(opened);
  CHECK((*opened)->log()->end_offset() == Offset(0));
}

TEST_CASE("generations: what was removed is not carried over") {
  Generations it;
  auto& partitions = *it.world.partitions;
  REQUIRE(partitions.remove(it.ended.log(0)));
  const auto opened = partitions.open(it.begun, PartitionId(0), it.replication);
  REQUIRE(opened);
  CHECK((*opened)->log()->end_offset() == Offset(0));
}

}  // namespace
}  // namespace xylem::testing
