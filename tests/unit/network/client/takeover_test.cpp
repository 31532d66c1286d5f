// What a consumer does when a broker tells it that its subscription was taken over.
#include "network/client/consumer.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;

struct Consuming : ClientWorld {
  explicit Consuming(bool shares) {
    first.add_topic("t", 1);
    Consumer::Options options{.brokers = {first.address}, .group = "g", .instance = "i"};
    options.topics = {"t"};
    options.shares = shares;
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    Consumer::Handlers handlers;
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) -> Status {
      values.emplace_back(text_of(record.value.value()));
      return {};
    };
    handlers.error = [this](const Error& why) { errors.push_back(why.code()); };
    consumer.emplace(context, options, handlers);
    consumer->start();
    first.append("t", 0, {"a"});
    REQUIRE(until([&] { return values.size() == 1; }));
  }

  // As a broker that ends the newest subscription with that.
  void end_subscription(Errc code) {
    for (auto& peer : first.peers) {
      if (peer.subscriptions.empty()) continue;
      const auto newest = std::prev(peer.subscriptions.end());
      peer.refuse(newest->first, code);
      peer.subscriptions.erase(newest);
    }
  }

  [[nodiscard]] auto told(Errc code) const { return std::ranges::count(errors, code); }

  std::vector<std::string> values;
  std::vector<Errc> errors;
  std::optional<Consumer> consumer;
};

TEST_CASE("taken over: by another one with its instance, a consumer stops, and does not fight") {
  Consuming world(false);
  world.end_subscription(Errc::kUnknownMember);
  REQUIRE(world.until([&] { return world.told(Errc::kUnknownMember) == 1; }));
  const auto asked = world.first.subscribes.size();
  const auto hellos = world.first.count(FrameType::kHello);
  for (auto& peer : world.first.peers)
    if (peer.connection) peer.connection->close();
  REQUIRE(world.until([&] { return world.first.count(FrameType::kHello) > hellos; }));
  world.turn();
  CHECK(world.first.subscribes.size() == asked);
  CHECK(world.told(Errc::kUnknownMember) == 1);
}

TEST_CASE("taken over: a member leaves it to its coordinator, and does not subscribe at once") {
  Consuming world(true);
  const auto asked = world.first.subscribes.size();
  world.end_subscription(Errc::kUnknownMember);
  REQUIRE(world.until([&] { return world.told(Errc::kUnknownMember) == 1; }));
  world.turn();
  CHECK(world.first.subscribes.size() == asked);
}

TEST_CASE("taken over: by itself over another connection, a consumer is served, and says nothing") {
  Consuming world(false);
  world.end_subscription(Errc::kCancelled);
  world.first.append("t", 0, {"b"});
  REQUIRE(world.until([&] { return world.values.size() == 2; }));
  CHECK(world.errors.empty());
}

}  // namespace
}  // namespace xylem::network
