#include "broker/groups/delivery_counts.h"

#include "network/protocol/messages.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace xylem::broker {
namespace {

const GroupPartition kWhere{"g", "t", PartitionId(2)};

const DeliveryCount kCount{.offset = Offset(77),
                           .incarnation = {Uuid::from_words(1, 2), 3},
                           .failures = 4,
                           .is_dead = true,
                           .reason = "no such article"};

struct World {
  World() {
    auto opened = storage::StateStore::open(directory.file("state.db"), loop);
    REQUIRE(opened);
    store = std::move(*opened);
  }

  Status put(DeliveryCounts& counts, const GroupPartition& where, const DeliveryCount& count) {
    std::optional<Status> done;
    counts.put(where, count, [&](Status written) { done = std::move(written); });
    REQUIRE(testing::run_until(loop, [&] { return done.has_value(); }));
    return *done;
  }

  Status load(DeliveryCounts& counts) {
    std::optional<Status> done;
    counts.load([&](Status loaded) { done = std::move(loaded); });
    REQUIRE(testing::run_until(loop, [&] { return done.has_value(); }));
    return *done;
  }

  TemporaryDirectory directory;
  Loop loop;
  std::unique_ptr<storage::StateStore> store;
};

TEST_CASE("delivery counts: the bytes of a row") {
  const auto bytes = encode_value(kCount);
  CHECK(bytes.size() == 33 + kCount.reason.size());
  CHECK(load_be<std::int64_t>(bytes) == 77);
  CHECK(load_be<std::uint32_t>(Bytes(bytes).subspan(28)) == 4);
  CHECK(bytes[32] == std::byte{1});
  CHECK(decode_count(bytes) == kCount);
  for (std::size_t size = 0; size < 33; ++size) CHECK_FALSE(decode_count(Bytes(bytes).first(size)));
  auto wrong = bytes;
  wrong[32] = std::byte{4};
  CHECK_FALSE(decode_count(wrong));
  wrong = bytes;
  wrong[0] = std::byte{0x80};  // a negative offset
  CHECK_FALSE(decode_count(wrong));
  auto much = kCount;
  much.reason = std::string(network::kFailureReasonBytesMax + 1, 'x');
  CHECK_FALSE(decode_count(encode_value(much)));
}

TEST_CASE("delivery counts: one row a group partition, there after a restart until it is removed") {
  World world;
  DeliveryCounts counts(*world.store);
  CHECK(counts.empty());
  REQUIRE(world.put(counts, kWhere, {.offset = Offset(5), .failures = 1, .reason = {}}));
  REQUIRE(world.put(counts, kWhere, kCount));
  DeliveryCounts again(*world.store);
  REQUIRE(world.load(again));
  REQUIRE(again.find(kWhere) != nullptr);
  CHECK(*again.find(kWhere) == kCount);
  again.remove(kWhere);
  again.remove(kWhere);
  CHECK(again.find(kWhere) == nullptr);
  DeliveryCounts last(*world.store);
  REQUIRE(world.load(last));
  CHECK(last.empty());
}

TEST_CASE("delivery counts: there are not more than so many") {
  World world;
  DeliveryCounts counts(*world.store, 1);
  REQUIRE(world.put(counts, kWhere, kCount));
  REQUIRE(world.put(counts, kWhere, kCount));
  const auto refused = world.put(counts, {"g", "t", PartitionId(3)}, kCount);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kQuotaExceeded);
  counts.remove_if([](const auto&, const auto& count) { return count.failures == 4; });
  CHECK(counts.empty());
}

TEST_CASE("delivery counts: a row names others of the partition that are dead") {
  auto count = kCount;
  count.is_dead = false;
  count.others_dead = {Offset(78), Offset(90)};
  const auto bytes = encode_value(count);
  CHECK(bytes[32] == std::byte{2});
  CHECK(bytes[33] == std::byte{2});
  CHECK(load_be<std::int64_t>(Bytes(bytes).subspan(34)) == 78);
  CHECK(decode_count(bytes) == count);
  for (std::size_t size = 33; size < 50; ++size)
    CHECK_FALSE(decode_count(Bytes(bytes).first(size)));
  count.others_dead = {Offset(90), Offset(78)};
  CHECK_FALSE(decode_count(encode_value(count)));
  count.others_dead.assign(kOthersDeadMax + 1, Offset(1));
  CHECK_FALSE(decode_count(encode_value(count)));
}

TEST_CASE("delivery counts: where it is full the oldest gives way, but none that is dead or kept") {
  World world;
  DeliveryCounts counts(*world.store, 4);
  const auto at = [](std::int32_t partition) {
    return GroupPartition{"g", "t", PartitionId(partition)};
  };
  const DeliveryCount alive{.offset = Offset(5), .failures = 1, .reason = {}};
  REQUIRE(world.put(counts, at(0), kCount));
  for (const auto partition : {3, 2, 1}) REQUIRE(world.put(counts, at(partition), alive));
  REQUIRE(world.put(counts, at(3), alive));
  const auto room = [&](std::int32_t partition, std::int32_t kept) {
    return counts.make_room(at(partition), [&](const auto& where) { return where == at(kept); });
  };
  CHECK(room(1, 9) == std::nullopt);  // it has its row
  CHECK(room(7, 2) == at(1));
  CHECK(counts.find(at(1)) == nullptr);
  CHECK(room(7, 9) == std::nullopt);  // there is room now
  REQUIRE(world.put(counts, at(7), kCount));
  CHECK(room(8, 9) == at(2));
  REQUIRE(world.put(counts, at(8), kCount));
  CHECK(room(9, 3) == std::nullopt);
}

TEST_CASE("delivery counts: a row that is none is corruption") {
  World world;
  std::string key = encode_key(kWhere);
  Buffer value = encode_value(kCount);
  SUBCASE("its key") { key = "g"; }
  SUBCASE("its value") { value.resize(7); }
  world.store->put("delivery_count", key, value, [](const Status&) {});
  DeliveryCounts counts(*world.store);
  const auto loaded = world.load(counts);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kCorrupt);
}

}  // namespace
}  // namespace xylem::broker
