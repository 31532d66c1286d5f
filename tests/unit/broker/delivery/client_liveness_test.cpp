// When a broker takes a connection for dead: a session whose peer and whose ticks are the test's.
#include "broker/delivery/client_session.h"
#include "tests/unit/broker/delivery/raw_consumer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::ClientSession;
using network::Frame;
using network::FrameType;

struct FakeConnection final : network::Connection {
  void set_handler(network::ConnectionHandler* /*handler*/) override {}

  void send(FrameType type, std::uint64_t /*id*/, std::span<const Slice> /*pieces*/) override {
    sent.push_back(type);
  }

  void close() override { is_closed = true; }

  [[nodiscard]] std::size_t queued_bytes() const override { return 0; }

  [[nodiscard]] std::uint64_t received_bytes() const override { return received; }

  void pause_reading(bool paused) override { is_paused = paused; }

  void allow_large_payloads() override {}

  [[nodiscard]] const std::string& peer() const override { return name; }

  [[nodiscard]] auto count(FrameType type) const { return std::ranges::count(sent, type); }

  std::uint64_t received = 0;
  std::vector<FrameType> sent;
  bool is_closed = false;
  bool is_paused = false;
  std::string name = "fake:1";
};

struct Connected {
  explicit Connected(bool greets = true) {
    if (greets) receive(FrameType::kHello, network::Hello{.client_id = "c"});
  }

  template <class Message>
  void receive(FrameType type, const Message& message, std::uint64_t id = 1) {
    const Frame frame{type, id, Slice::own(network::encode(message))};
    connection->received += network::kFrameHeaderBytes + frame.payload.bytes.size();
    session.on_frame(frame);
  }

  // The answer is whether the session is open still.
  bool tick(int times) {
    for (int i = 0; i < times && !connection->is_closed; ++i) session.check_alive();
    return !connection->is_closed;
  }

  CountingWorld world;
  std::shared_ptr<FakeConnection> connection = std::make_shared<FakeConnection>();
  int closed = 0;
  ClientSession session{
      *world.context,
      connection,
      {.closed = [this](auto*) { ++closed; }, .subscribed = [](const auto*, const auto&) {}}};
};

TEST_CASE("liveness: ticks without anything heard are the end, however long each one takes") {
  Connected one;
  CHECK(one.tick(1));
  // One tick is all that a stall of the broker is, and what came meanwhile is read before the next.
  for (int i = 0; i < 10; ++i) {
    CHECK(one.tick(ClientSession::kSilentTicksMax - 1));
    ++one.connection->received;
    CHECK(one.tick(1));
  }
  CHECK(one.tick(ClientSession::kSilentTicksMax - 1));
  CHECK_FALSE(one.tick(1));
}

TEST_CASE(
    "liveness: bytes of a frame that is not whole count, and the peer hears of us meanwhile") {
  Connected one;
  one.session.on_frame({FrameType::kHeartbeat, 2, {}});
  CHECK(one.connection->count(FrameType::kHeartbeat) == 1);
  CHECK(one.tick(1));
  CHECK(one.connection->count(FrameType::kHeartbeat) == 1);  // it was answered
  for (int i = 0; i < 20; ++i) {
    one.connection->received += 1'000;
    CHECK(one.tick(1));
  }
  CHECK(one.connection->count(FrameType::kHeartbeat) == 21);
}

TEST_CASE("liveness: who never says HELLO does not stay by sending bytes") {
  Connected one(false);
  CHECK(one.tick(ClientSession::kSilentTicksMax));
  one.connection->received += 1;
  CHECK_FALSE(one.tick(1));
}

TEST_CASE("liveness: a peer that is not read from is not silent, and hears of us") {
  constexpr int kBatches = 3;  // more than may wait for their commit
  Connected one;
  for (int i = 0; i < kBatches; ++i) {
    BatchBuilder builder;
    REQUIRE(builder.add(Record{.value = std::string(ClientSession::kProducedBytesMax / 2, 'v')}));
    const network::DataHeader header{.topic = "t", .batch_count = 1, .acks = -1};
    auto payload = network::encode_data_header(header);
    append(*builder.build(), payload);
    one.session.on_frame({FrameType::kData, 2, Slice::own(std::move(payload))});
  }
  REQUIRE(one.connection->is_paused);
  CHECK(one.tick(10));
  CHECK(one.connection->count(FrameType::kHeartbeat) == 10);
  REQUIRE(run_until(one.world.loop, [&] { return !one.connection->is_paused; }));
  CHECK_FALSE(one.tick(10));
}

TEST_CASE("liveness: a dead letter says why the broker gave its consumer up") {
  Connected one;
  one.world.append(1);
  one.receive(FrameType::kSubscribe, RawConsumer::whole("g", "m"), 2);
  REQUIRE(one.connection->count(FrameType::kData) == 1);
  CHECK_FALSE(one.tick(10));
  one.session.on_closed(Error(Errc::kCancelled, "closed"));
  CHECK(one.closed == 1);
  REQUIRE(one.world.count() != nullptr);
  CHECK(one.world.count()->reason == "the consumer was lost: nothing heard for 9000 ms");
}

}  // namespace
}  // namespace xylem::testing
