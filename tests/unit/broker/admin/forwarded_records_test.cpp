#include "broker/admin/forwarded_records.h"

#include "tests/support/client_world.h"
#include "tests/unit/broker/admin/records_world.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

namespace xylem::testing {
namespace {

using broker::ForwardedRecords;
using Stored = std::optional<Result<network::Producer::Delivered>>;

Record record_of(const std::string& value) { return {.key = std::nullopt, .value = value}; }

TEST_CASE("forwarded records: they get to the leader, from this broker's own port on") {
  ClientWorld world;
  world.first.add_topic("t", 2).leader = world.second.address.text();
  const auto& there = world.second.add_topic("t", 2);
  ForwardedRecords forwarded(world.context, [&] { return world.first.address; });
  Stored stored;
  forwarded.send("t", PartitionId(1), record_of("v"), [&](auto done) { stored = std::move(done); });
  REQUIRE(world.until([&] { return stored.has_value(); }));
  REQUIRE(*stored);
  CHECK((*stored)->partition == PartitionId(1));
  CHECK((*stored)->offset == Offset(0));
  REQUIRE(there.partitions[1].batches.size() == 1);
  CHECK(values_of(there.partitions[1].batches.front()) == std::vector<std::string>{"v"});
}

TEST_CASE("forwarded records: one that no batch holds is refused, not inside the call") {
  ClientWorld world;
  ForwardedRecords forwarded(world.context, [&] { return world.first.address; });
  Stored stored;
  forwarded.send("t", PartitionId(0), record_of(std::string(20'000'000, 'x')),
                 [&](auto done) { stored = std::move(done); });
  CHECK_FALSE(stored);
  REQUIRE(world.until([&] { return stored.has_value(); }));
  REQUIRE_FALSE(*stored);
}

// A broker that leads partition 0 of two; another one, played, leads partition 1.
struct Passing : RecordsWorld {
  Passing() : RecordsWorld(2) {
    there.add_topic("t", 2).incarnation = topic.incarnation;
    broker.leaders[PartitionId(1)] = {
        .node = "root-1", .tcp = there.address.text(), .http = "", .epoch = Epoch(4)};
    broker.partitions->forget(topic.log(1));
    admin.forwarded = &forwarded;
  }

  network::MemoryHub hub{broker.loop};
  std::unique_ptr<network::NetworkClient> network = hub.make_client();
  Random random{3};
  SystemClock clock;
  FakeBroker there{hub, 1};
  ForwardedRecords forwarded{{broker.loop, *network, clock, random, Logger::none()},
                             [this] { return there.address; }};
};

TEST_CASE("message routes: what another broker leads is passed on, the rest is stored here") {
  Passing world;
  const auto answer = world.ask("POST", "/api/v1/messages/batch",
                                R"({"topic":"t","messages":[{"value":"a","partition":1},)"
                                R"({"value":"b","partition":0},{"value":"c","partition":1}]})");
  CHECK(answer.status == 200);
  const auto results = Json::parse(text_of(answer.body))["results"];
  REQUIRE(results.size() == 3);
  CHECK(results[0]["partition"] == 1);
  CHECK(results[0]["offset"] == 0);
  CHECK(results[1] == Json({{"partition", 0}, {"offset", 0}, {"replicasSynced", 1}}));
  CHECK(results[2]["offset"] == 1);
  CHECK(world.partition(0).log()->end_offset() == Offset(1));
  CHECK(world.there.topics["t"].partitions[1].end == Offset(2));
}

TEST_CASE("message routes: where no leader is known nothing is passed on") {
  Passing world;
  world.broker.leaders[PartitionId(1)] = {};
  CHECK(world.produce(R"({"topic":"t","value":"v","partition":1})").status == 503);
}

}  // namespace
}  // namespace xylem::testing
