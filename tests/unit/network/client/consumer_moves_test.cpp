// Partitions on several brokers, and partitions that move between them.
#include "network/client/consumer.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;
using Values = std::vector<std::string>;

// The first broker, which the consumer is told of, has partition 0; the second one has 1.
struct Moving : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  std::map<PartitionId, Values> values;
  std::vector<Error> errors;
  std::vector<SubscribeAnswer> told;
  std::optional<Consumer> consumer;

  Moving() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.group = "g";
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    for (auto* broker : {&first, &second}) broker->add_topic("t", 2);
    place(second, 0, first.address.text());
    place(first, 1, second.address.text());
    handlers.message = [this](const DeliveredBatch& batch, const RecordView& record) -> Status {
      values[batch.partition].emplace_back(text_of(record.value.value()));
      return {};
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
    handlers.subscribed = [this](const SubscribeAnswer& answer) { told.push_back(answer); };
  }

  static void place(FakeBroker& broker, int partition, std::optional<std::string> elsewhere) {
    broker.topics.at("t").partitions.at(static_cast<std::size_t>(partition)).elsewhere =
        std::move(elsewhere);
  }

  // `to` has all that `from` had, and serves it from now on.
  void move(FakeBroker& from, FakeBroker& to, int partition, const std::string& hint) {
    const auto index = static_cast<std::size_t>(partition);
    auto& log = to.topics.at("t").partitions.at(index);
    log = from.topics.at("t").partitions.at(index);
    log.elsewhere.reset();
    from.move_away("t", partition, hint);
  }

  Consumer& start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    return *consumer;
  }

  bool receives(int partition, const Values& expected) {
    return until([&] { return values[PartitionId(partition)].size() >= expected.size(); }) &&
           values[PartitionId(partition)] == expected;
  }

  [[nodiscard]] bool has_error(Errc code) const {
    return std::ranges::any_of(errors, [code](const auto& why) { return why.code() == code; });
  }
};

TEST_CASE("consumer, several brokers: each partition comes from the broker that has it") {
  Moving world;
  world.first.append("t", 0, {"a", "b"});
  world.second.append("t", 1, {"x"});
  world.start();
  CHECK(world.receives(0, {"a", "b"}));
  CHECK(world.receives(1, {"x"}));
  world.second.append("t", 1, {"y"});
  CHECK(world.receives(1, {"x", "y"}));
  REQUIRE(world.second.subscribes.size() == 1);
  const auto& asked = world.second.subscribes[0];
  CHECK_FALSE(asked.every);
  REQUIRE(asked.partitions.size() == 1);
  CHECK(asked.partitions[0].partition == PartitionId(1));
  CHECK(asked.partitions[0].start == StartAt::kCommitted);
  CHECK(asked.auto_commit);
  CHECK(asked.member == world.first.subscribes[0].member);
  REQUIRE(world.until([&] { return world.second.acks.size() == 2; }));
  CHECK(world.second.acks[1].partition == PartitionId(1));
  CHECK(world.second.acks[1].next_offset == Offset(2));
  CHECK(world.errors.empty());
}

TEST_CASE("consumer, several brokers: the handler is told the whole, and what is missing of it") {
  Moving world;
  world.start();
  REQUIRE(world.until([&] { return world.told.size() == 2; }));
  REQUIRE(world.told[0].partitions.size() == 1);
  REQUIRE(world.told[0].elsewhere.size() == 1);
  CHECK(world.told[0].elsewhere[0].partition == PartitionId(1));
  CHECK(world.told[1].partitions.size() == 2);
  CHECK(world.told[1].elsewhere.empty());
}

TEST_CASE("consumer, several brokers: a partition that moves goes on at its cursor") {
  Moving world;
  world.first.append("t", 0, {"a", "b"});
  world.first.append("t", 0, {"c"});
  world.second.append("t", 1, {"x"});
  world.start();
  REQUIRE(world.receives(0, {"a", "b", "c"}));
  REQUIRE(world.receives(1, {"x"}));
  SUBCASE("from the main broker to the other one") {
    world.move(world.first, world.second, 0, world.second.address.text());
    world.second.append("t", 0, {"d"});
    CHECK(world.receives(0, {"a", "b", "c", "d"}));
    const auto& asked = world.second.subscribes.back().partitions;
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].start == StartAt::kOffset);
    CHECK(asked[0].offset == Offset(3));
    CHECK(asked[0].incarnation == world.first.topics.at("t").incarnation);
  }
  SUBCASE("from the other one to the main broker") {
    world.move(world.second, world.first, 1, world.first.address.text());
    world.first.append("t", 1, {"y"});
    CHECK(world.receives(1, {"x", "y"}));
    CHECK(world.until([&] { return world.second.connected() == 0; }));  // nothing left to get there
  }
  SUBCASE("there and back") {
    for (int round = 0; round < 5; ++round) {
      world.move(world.first, world.second, 0, world.second.address.text());
      world.second.append("t", 0, {std::to_string(2 * round)});
      world.move(world.second, world.first, 0, {});
      world.first.append("t", 0, {std::to_string(2 * round + 1)});
    }
    CHECK(world.receives(0, {"a", "b", "c", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  }
  world.turn(20);
  CHECK(world.values[PartitionId(0)].size() + world.values[PartitionId(1)].size() <= 14);
  CHECK(world.errors.empty());  // a move is no trouble
}

TEST_CASE("consumer, several brokers: the other one dies and its partition appears at the main") {
  Moving world;
  world.second.append("t", 1, {"x"});
  world.start();
  REQUIRE(world.receives(1, {"x"}));
  auto copy = world.second.topics.at("t").partitions[1];
  world.second.stop();
  REQUIRE(world.until([&] { return world.first.subscribes.size() > 2; }));  // asked again
  world.first.append("t", 0, {"a"});
  CHECK(world.receives(0, {"a"}));
  world.first.topics.at("t").partitions[1] = copy;
  world.first.append("t", 1, {"y"});
  CHECK(world.receives(1, {"x", "y"}));
  world.turn(20);
  CHECK(world.values[PartitionId(0)] == Values{"a"});
  const auto asked = world.first.subscribes.size();
  world.turn(30);
  CHECK(world.first.subscribes.size() == asked);  // all is well again
}

TEST_CASE("consumer, several brokers: what nobody is known to have is asked for again") {
  Moving world;
  Moving::place(world.first, 1, "");
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() > 3; }));
  CHECK(world.errors.size() == 1);
  CHECK(world.has_error(Errc::kNotLeader));
  Moving::place(world.first, 1, world.second.address.text());
  world.second.append("t", 1, {"x"});
  CHECK(world.receives(1, {"x"}));
}

TEST_CASE("consumer, several brokers: a broker that names another in error is not asked for ever") {
  Moving world;
  Moving::place(world.second, 1, world.first.address.text());  // each says: the other one
  world.options.backoff_ms = 20;
  world.options.backoff_max_ms = 20;
  world.start();
  REQUIRE(world.until([&] { return !world.second.subscribes.empty(); }));
  world.turn(100);
  CHECK(world.first.subscribes.size() < 30);
  Moving::place(world.second, 1, std::nullopt);
  world.second.append("t", 1, {"x"});
  CHECK(world.receives(1, {"x"}));
}

TEST_CASE("consumer, several brokers: the main one is lost, the other partition flows on") {
  Moving world;
  world.options.brokers = {world.first.address, {.host = "nobody", .port = 9}};
  world.second.append("t", 1, {"x"});
  world.start();
  REQUIRE(world.receives(1, {"x"}));
  world.first.stop();
  REQUIRE(world.until([&] { return !world.consumer->is_connected(); }));
  world.second.append("t", 1, {"y"});
  CHECK(world.receives(1, {"x", "y"}));
  CHECK(world.second.subscribes.size() == 1);
}

TEST_CASE("consumer, several brokers: a new main broker that has it all takes it all over") {
  Moving world;
  FakeBroker third(world.hub, 3);
  third.add_topic("t", 2);
  world.options.brokers = {world.first.address, third.address};
  world.first.append("t", 0, {"a"});
  world.second.append("t", 1, {"x"});
  world.start();
  REQUIRE(world.receives(0, {"a"}));
  REQUIRE(world.receives(1, {"x"}));
  third.append("t", 0, {"a"});
  third.append("t", 1, {"x"});
  world.first.stop();
  REQUIRE(world.until([&] { return third.subscribes.size() == 1; }));
  CHECK(world.until([&] { return world.second.connected() == 0; }));
  third.append("t", 1, {"y"});
  CHECK(world.receives(1, {"x", "y"}));
  CHECK(world.values[PartitionId(0)] == Values{"a"});
}

TEST_CASE("consumer, several brokers: one partition only, and it is elsewhere") {
  Moving world;
  world.options.partition = PartitionId(1);
  world.second.append("t", 1, {"x"});
  world.first.append("t", 0, {"a"});
  world.start();
  CHECK(world.receives(1, {"x"}));
  world.turn(10);
  CHECK(world.values[PartitionId(0)].empty());
}

TEST_CASE("consumer, several brokers: manual commits go to who serves the partition") {
  Moving world;
  world.options.commit = Consumer::Commit::kManual;
  world.second.append("t", 1, {"x"});
  auto& consumer = world.start();
  REQUIRE(world.receives(1, {"x"}));
  std::optional<Status> done;
  consumer.commit("t", PartitionId(1), Offset(1), [&](Status status) { done = status; });
  REQUIRE(world.until([&] { return done.has_value(); }));
  CHECK(*done);
  REQUIRE(world.second.commits.size() == 1);
  CHECK(world.second.commits[0].partition == PartitionId(1));
  CHECK(world.second.commits[0].incarnation == world.second.topics.at("t").incarnation);
  CHECK(world.first.commits.empty());
}

TEST_CASE("consumer, several brokers: own cursors are asked for wherever a partition is") {
  Moving world;
  world.options.commit = Consumer::Commit::kOwnCursors;
  world.first.append("t", 0, {"a", "b"});
  world.second.append("t", 1, {"x", "y"});
  world.handlers.cursor = [&](auto, auto) {
    return Cursor{Offset(1), world.first.topics.at("t").incarnation};
  };
  world.start();
  CHECK(world.receives(0, {"b"}));
  CHECK(world.receives(1, {"y"}));
}

TEST_CASE("consumer, several brokers: what was queued when a partition moved comes again, once") {
  Moving world;
  auto& consumer = world.start();
  REQUIRE(world.until([&] { return world.told.size() == 2; }));
  consumer.pause();
  world.second.append("t", 1, {"x"});
  world.turn(10);
  world.move(world.second, world.first, 1, {});
  REQUIRE(world.until([&] { return world.told.size() > 2; }));
  consumer.resume();
  CHECK(world.receives(1, {"x"}));
  world.turn(10);
  CHECK(world.values[PartitionId(1)] == Values{"x"});
}

// Moves, deaths of connections and appends at random: each partition is received exactly once and
// in order.
TEST_CASE("consumer, several brokers: nothing is lost or doubled, whatever moves") {
  Moving world;
  world.options.credit_bytes = 300;
  world.options.brokers = {world.first.address, world.second.address};
  std::map<int, Values> given;
  std::map<int, FakeBroker*> home = {{0, &world.first}, {1, &world.second}};
  Random random(11);
  world.start();
  for (int step = 0; step < 300; ++step) {
    const int partition = static_cast<int>(random.below(2));
    auto*& at = home[partition];
    switch (random.below(4)) {
      case 0: {
        auto& other = at == &world.first ? world.second : world.first;
        world.move(*at, other, partition, random.below(2) == 0 ? other.address.text() : "");
        at = &other;
        auto& former = &other == &world.first ? world.second : world.first;
        Moving::place(former, partition, other.address.text());
        break;
      }
      case 1:
        for (auto& peer : at->peers)
          if (peer.connection != nullptr && random.below(8) == 0) peer.connection->close();
        break;
      default:
        given[partition].push_back(std::to_string(step));
        at->append("t", partition, {given[partition].back()});
    }
    if (random.below(3) == 0) world.turn(random.below(4) + 1);
  }
  for (const int partition : {0, 1}) CHECK(world.receives(partition, given[partition]));
  world.turn(20);
  for (const int partition : {0, 1})
    CHECK(world.values[PartitionId(partition)] == given[partition]);
}

}  // namespace
}  // namespace xylem::network
