#include "broker/dead_letters/first_record.h"

#include "common/batch/batch_builder.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using broker::first_record;
using broker::FoundRecord;

bool any(const RecordView& /*record*/) { return true; }

struct World : BrokerWorld {
  World() : partition(partitions->find(create("t").log(0))) { REQUIRE(partition != nullptr); }

  void append(const std::vector<std::string>& values) {
    BatchBuilder builder;
    for (const auto& value : values) REQUIRE(builder.add(Record{.value = value}));
    bool is_done = false;
    partition->append(*builder.build(), broker::Acks::kAll,
                      [&](const auto& appended) { is_done = appended.has_value(); });
    REQUIRE(run_until(loop, [&] { return is_done; }));
  }

  std::optional<FoundRecord> find(std::int64_t from, std::int64_t below, auto is_meant) {
    auto found = first_record(*partition->log(), Offset(from), Offset(below), is_meant);
    REQUIRE(found);
    return *found;
  }

  broker::Partition* partition;
};

TEST_CASE("first record: also in the middle of a batch, and only within the range") {
  World world;
  world.append({"a", "b", "c"});
  world.append({"d"});
  const auto found = world.find(1, 4, any);
  REQUIRE(found);
  CHECK(found->offset == Offset(1));
  CHECK(found->epoch == Epoch(3));
  CHECK(found->record.value == "b");
  CHECK(world.find(3, 4, any)->record.value == "d");
  CHECK_FALSE(world.find(2, 2, any));
  CHECK_FALSE(world.find(4, 4, any));
}

TEST_CASE("first record: that is meant") {
  World world;
  world.append({"a", "b"});
  world.append({"c", "d"});
  const auto is_d = [](const RecordView& record) { return text_of(*record.value) == "d"; };
  CHECK(world.find(0, 4, is_d)->offset == Offset(3));
  CHECK_FALSE(world.find(0, 3, is_d));
}

TEST_CASE("first record: what the log does not have is its error") {
  World world;
  world.append({"a"});
  const auto found = first_record(*world.partition->log(), Offset(7), Offset(8), any);
  REQUIRE_FALSE(found);
  CHECK(found.error().code() == Errc::kOffsetOutOfRange);
}

}  // namespace
}  // namespace xylem::testing
