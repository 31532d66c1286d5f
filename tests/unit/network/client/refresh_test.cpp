// RESET and READY, from the frames to the handlers and back.
#include "network/client/consumer.h"
#include "network/client/refresh_state.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

using testing::batch_of;
using testing::ClientWorld;
using Act = RefreshState::Act;
using Peer = testing::FakeBroker::Peer;

Refresh refresh_of(std::uint64_t id) { return {.topic = "t", .refresh_id = id}; }

TEST_CASE("refresh state: told once, acknowledged again when repeated") {
  RefreshState state;
  CHECK(state.on_reset(refresh_of(1)) == Act::kTell);
  CHECK(state.on_reset(refresh_of(1)) == Act::kIgnore);  // the handler is at it
  state.acknowledged_reset(1);
  CHECK(state.on_reset(refresh_of(1)) == Act::kAcknowledge);
  CHECK(state.id() == 1);
  CHECK(state.on_ready(refresh_of(1)) == Act::kTell);
  CHECK(state.on_ready(refresh_of(1)) == Act::kIgnore);
  state.acknowledged_ready(1);
  CHECK(state.id() == 0);
  CHECK(state.on_ready(refresh_of(1)) == Act::kAcknowledge);
  CHECK(state.on_reset(refresh_of(1)) == Act::kFinished);  // its READY_ACK got lost
}

TEST_CASE("refresh state: a newer RESET cancels, the older one's frames do nothing") {
  RefreshState state;
  CHECK(state.on_reset(refresh_of(1)) == Act::kTell);
  CHECK(state.on_reset(refresh_of(2)) == Act::kTell);
  state.acknowledged_reset(1);
  CHECK(state.on_reset(refresh_of(2)) == Act::kIgnore);
  CHECK(state.on_ready(refresh_of(1)) == Act::kIgnore);
  CHECK(state.on_ready(refresh_of(2)) == Act::kTell);
  state.acknowledged_ready(1);
  CHECK(state.id() == 2);
}

TEST_CASE("refresh state: a READY that could not be told is told when it comes again") {
  RefreshState state;
  CHECK(state.on_ready(refresh_of(0)) == Act::kTell);
  state.dropped_ready();
  CHECK(state.on_ready(refresh_of(0)) == Act::kTell);
  state.acknowledged_ready(0);
  CHECK(state.on_ready(refresh_of(0)) == Act::kAcknowledge);
  state.on_subscribed();
  CHECK(state.on_ready(refresh_of(0)) == Act::kTell);
}

TEST_CASE("refresh state: READY of none ends what runs, and is told again") {
  RefreshState state;
  CHECK(state.on_ready(refresh_of(0)) == Act::kTell);
  state.acknowledged_ready(0);
  CHECK(state.on_reset(refresh_of(5)) == Act::kTell);
  state.acknowledged_reset(5);
  CHECK(state.on_ready(refresh_of(0)) == Act::kTell);
  CHECK(state.id() == 0);
  state.acknowledged_ready(0);
  CHECK(state.on_ready(refresh_of(0)) == Act::kAcknowledge);
  CHECK(state.on_reset(refresh_of(5)) == Act::kTell);  // it runs again after all
}

struct Refreshing : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  std::vector<std::pair<std::uint64_t, std::string>> values;  // (refresh id, value)
  std::vector<Refresh> resets;
  std::vector<Refresh> readies;
  std::vector<std::pair<FrameType, Refresh>> acknowledged;
  std::uint64_t id = 0;
  std::optional<Consumer> consumer;

  Refreshing() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    first.add_topic("t", 1);
    handlers.message = [this](const DeliveredBatch& batch, const RecordView& record) -> Status {
      values.emplace_back(batch.refresh_id, text_of(*record.value));
      return {};
    };
    handlers.reset = [this](const Refresh& reset) { resets.push_back(reset); };
    handlers.ready = [this](const Refresh& ready) { readies.push_back(ready); };
    first.hook = [this](Peer&, const Frame& frame) {
      if (frame.type == FrameType::kSubscribe) id = frame.id;
      if (frame.type == FrameType::kResetAck || frame.type == FrameType::kReadyAck)
        acknowledged.emplace_back(frame.type, *decode<Refresh>(frame.payload.bytes));
      return false;
    };
  }

  void start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    REQUIRE(until([this] { return !first.subscribes.empty(); }));
    turn(5);
  }

  Peer& peer() { return first.peers.back(); }

  void tell(FrameType type, std::uint64_t refresh_id, std::vector<Offset> barrier = {}) {
    const Refresh refresh{.topic = "t",
                          .refresh_id = refresh_id,
                          .incarnation = first.topics.at("t").incarnation,
                          .barrier = std::move(barrier)};
    peer().answer(type, id, refresh);
  }

  void replay(std::uint64_t refresh_id, const std::vector<std::string>& texts, Offset base) {
    first.send_batch(peer(), id, {"t", PartitionId(0)}, batch_of(texts, base), refresh_id);
  }
};

TEST_CASE("refresh: RESET, replay beside live data, READY, and on from the barrier") {
  Refreshing world;
  world.first.append("t", 0, {"a", "b"});
  world.start();
  world.tell(FrameType::kReset, 9);
  REQUIRE(world.until([&] { return world.resets.size() == 1; }));
  world.tell(FrameType::kReset, 9);
  world.turn(5);
  CHECK(world.resets.size() == 1);
  CHECK(world.acknowledged.empty());
  world.consumer->acknowledge(FrameType::kResetAck, world.resets[0]);
  REQUIRE(world.until([&] { return world.acknowledged.size() == 1; }));
  world.tell(FrameType::kReset, 9);
  REQUIRE(world.until([&] { return world.acknowledged.size() == 2; }));

  world.replay(9, {"a", "b"}, Offset(0));
  world.replay(8, {"stale"}, Offset(0));
  world.replay(9, {"b", "c"}, Offset(1));  // overlaps: only "c" is new
  world.tell(FrameType::kReady, 9, {Offset(3)});
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  const std::vector<std::pair<std::uint64_t, std::string>> expected = {
      {0, "a"}, {0, "b"}, {9, "a"}, {9, "b"}, {9, "c"}};
  CHECK(world.values == expected);
  world.consumer->acknowledge(FrameType::kReadyAck, world.readies[0]);
  REQUIRE(world.until([&] { return world.acknowledged.size() == 3; }));
  CHECK(world.acknowledged.back().first == FrameType::kReadyAck);
  CHECK(world.acknowledged.back().second.refresh_id == 9);
  world.replay(0, {"d"}, Offset(3));
  REQUIRE(world.until([&] { return world.values.size() == 6; }));
  CHECK(world.values.back().second == "d");
}

TEST_CASE("refresh: READY waits for what is queued before it") {
  Refreshing world;
  world.start();
  world.consumer->pause();
  world.first.append("t", 0, {"a"});
  world.tell(FrameType::kReady, 0);
  world.turn(10);
  CHECK(world.readies.empty());
  world.consumer->resume();
  REQUIRE(world.until([&] { return !world.readies.empty(); }));
  CHECK(world.values.size() == 1);
}

TEST_CASE("refresh: without handlers there is no copy, and RESET is answered as READY is") {
  Refreshing world;
  world.handlers.reset = nullptr;
  world.handlers.ready = nullptr;
  world.start();
  world.tell(FrameType::kReset, 4);
  world.tell(FrameType::kReset, 4);
  world.tell(FrameType::kReady, 4);
  world.replay(4, {"a"}, Offset(0));
  REQUIRE(world.until([&] { return world.acknowledged.size() == 3; }));
  for (const auto& [type, refresh] : world.acknowledged) {
    CHECK(type == FrameType::kReadyAck);
    CHECK(refresh.refresh_id == 4);
  }
  world.turn(5);
  CHECK(world.values.empty());
}

TEST_CASE("refresh: what a replay acknowledges says so, with how far that copy is") {
  Refreshing world;
  world.handlers.reset = nullptr;
  world.start();
  world.first.append("t", 0, {"a", "b"});
  world.tell(FrameType::kReset, 4);
  world.replay(4, {"a"}, Offset(0));
  world.replay(3, {"a"}, Offset(0));  // of another one: credit comes back, nothing is claimed
  const auto acknowledged = [&](std::uint64_t refresh_id, Offset next) {
    return std::ranges::any_of(world.first.acks, [&](const DeliveryAck& ack) {
      return ack.refresh_id == refresh_id && ack.next_offset == next && ack.credit_bytes > 0;
    });
  };
  REQUIRE(world.until([&] {
    return acknowledged(4, Offset(1)) && acknowledged(3, Offset(0)) && acknowledged(0, Offset(2));
  }));
}

TEST_CASE("refresh: RESET of a refresh whose READY was acknowledged is answered by READY_ACK") {
  Refreshing world;
  world.start();
  world.tell(FrameType::kReset, 9);
  REQUIRE(world.until([&] { return world.resets.size() == 1; }));
  world.consumer->acknowledge(FrameType::kResetAck, world.resets[0]);
  world.tell(FrameType::kReady, 9, {Offset(0)});
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  world.consumer->acknowledge(FrameType::kReadyAck, world.readies[0]);
  REQUIRE(world.until([&] { return world.acknowledged.size() == 2; }));
  world.tell(FrameType::kReset, 9);  // READY_ACK got lost, or the broker was restarted
  REQUIRE(world.until([&] { return world.acknowledged.size() == 3; }));
  CHECK(world.acknowledged.back().first == FrameType::kReadyAck);
  CHECK(world.resets.size() == 1);
  world.tell(FrameType::kReset, 10);  // and the next one is a new one
  REQUIRE(world.until([&] { return world.resets.size() == 2; }));
}

TEST_CASE("refresh: a lost connection in the middle goes on where the copy is") {
  Refreshing world;
  world.handlers.reset = nullptr;
  world.start();
  world.tell(FrameType::kReset, 4);
  world.replay(4, {"a", "b"}, Offset(0));
  REQUIRE(world.until([&] { return world.values.size() == 2; }));
  world.peer().connection->close();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  world.turn(5);
  world.tell(FrameType::kReset, 4);
  world.replay(4, {"a", "b", "c"}, Offset(0));
  REQUIRE(world.until([&] { return world.values.size() == 3; }));
  CHECK(world.values.back() == std::pair<std::uint64_t, std::string>{4, "c"});
}

TEST_CASE("refresh: one that was given up begins at offset 0 when it comes again") {
  Refreshing world;
  world.start();
  const auto reset_and_begin = [&](std::size_t times) {
    world.tell(FrameType::kReset, 9);
    REQUIRE(world.until([&] { return world.resets.size() == times; }));
    world.consumer->acknowledge(FrameType::kResetAck, world.resets.back());
    world.replay(9, {"a", "b"}, Offset(0));
    REQUIRE(world.until([&] { return world.values.size() == 2 * times; }));
  };
  reset_and_begin(1);
  world.tell(FrameType::kReady, 0);
  REQUIRE(world.until([&] { return world.readies.size() == 1; }));
  world.consumer->acknowledge(FrameType::kReadyAck, world.readies.back());
  reset_and_begin(2);  // into an empty copy
}

}  // namespace
}  // namespace xylem::network
