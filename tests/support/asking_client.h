// A connection to a BrokerWorld's broker, on which a test asks one question after the other.
#pragma once

#include "network/client/client_session.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <utility>

namespace xylem::testing {

class AskingClient {
 public:
  // `on_frame`: what comes unasked.
  explicit AskingClient(BrokerWorld& world,
                        std::function<void(const network::Frame&)> on_frame = nullptr)
      : world_(world) {
    network::ClientSession::Handlers handlers;
    handlers.ready = [this](const network::HelloAnswer& answer) { hello_ = answer; };
    handlers.frame = std::move(on_frame);
    session_.emplace(
        world.client_context(),
        network::ClientSession::Options{.brokers = BrokerWorld::addresses(), .client_id = "test"},
        std::move(handlers));
    session_->start();
    REQUIRE(run_until(world.loop, [&] { return hello_.has_value(); }));
  }

  template <class Message>
  Result<network::Frame> ask(network::FrameType type, const Message& message) {
    std::optional<Result<network::Frame>> answer;
    session_->request(type, network::payload_of(message), kGiveUpMs,
                      [&](auto answered) { answer = std::move(answered); });
    REQUIRE(run_until(world_.loop, [&] { return answer.has_value(); }));
    return std::move(*answer);
  }

  [[nodiscard]] const network::HelloAnswer& hello() const { return *hello_; }

 private:
  BrokerWorld& world_;
  std::optional<network::HelloAnswer> hello_;
  std::optional<network::ClientSession> session_;
};

}  // namespace xylem::testing
