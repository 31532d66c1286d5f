// Where one topic's refresh stands at this consumer: which RESET and READY were told to the
// handlers and which were acknowledged, so that repeated frames cost nothing and stale ones do
// nothing.
#pragma once

#include "network/protocol/messages.h"

#include <cstdint>
#include <optional>

namespace xylem::network {

class RefreshState {
 public:
  enum class Act : std::uint8_t {
    kIgnore,       // stale, or the handler is still at it
    kTell,         // new: call the handler
    kAcknowledge,  // the acknowledgement got lost: send it again
    kFinished,     // a RESET of what is over here: say so by READY_ACK
  };

  Act on_reset(const Refresh& reset);
  Act on_ready(const Refresh& ready);
  void acknowledged_reset(std::uint64_t refresh_id);
  void acknowledged_ready(std::uint64_t refresh_id);

  // The READY that was to be told is not: the connection was lost before everything was handled.
  void dropped_ready();

  // A new subscription: the broker may say READY again to what it takes for a fresh subscriber.
  void on_subscribed();

  // Of the refresh that runs; 0: none.
  [[nodiscard]] std::uint64_t id() const { return running_ ? running_->refresh_id : 0; }

  // The refresh that runs; null: none.
  [[nodiscard]] const Refresh* running() const { return running_ ? &*running_ : nullptr; }

 private:
  std::optional<Refresh> running_;
  bool is_reset_acknowledged_ = false;
  std::optional<std::uint64_t> told_ready_;
  std::optional<std::uint64_t> acknowledged_ready_;
};

}  // namespace xylem::network
