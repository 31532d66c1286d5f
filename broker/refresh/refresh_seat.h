// A subscription's place among those that take part in refreshes. Empty: it has none.
//
// Threads: the loop's. One that outlives the Refreshes it came from, as where a session that has
// ended still waits in the loop, does nothing.
#pragma once

#include "network/protocol/frame.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace xylem::broker {

class Refreshes;

class RefreshSeat {
 public:
  RefreshSeat() = default;

  // `alive` ends with `refreshes`.
  RefreshSeat(Refreshes& refreshes, std::weak_ptr<bool> alive, std::uint64_t key)
      : refreshes_(&refreshes), alive_(std::move(alive)), key_(key) {}

  ~RefreshSeat();

  RefreshSeat(RefreshSeat&& from) noexcept
      : refreshes_(std::exchange(from.refreshes_, nullptr)),
        alive_(std::move(from.alive_)),
        key_(from.key_) {}

  RefreshSeat& operator=(RefreshSeat&& from) noexcept {
    std::swap(refreshes_, from.refreshes_);
    std::swap(alive_, from.alive_);
    std::swap(key_, from.key_);
    return *this;
  }

  RefreshSeat(const RefreshSeat&) = delete;
  RefreshSeat& operator=(const RefreshSeat&) = delete;

  void acknowledged(const network::DeliveryAck& ack) const;

  // RESET_ACK or READY_ACK.
  void answered(network::FrameType type, const network::Refresh& refresh) const;

  // Something may be sent that could not be before.
  void wake() const;

 private:
  [[nodiscard]] bool is_taken() const { return refreshes_ != nullptr && !alive_.expired(); }

  Refreshes* refreshes_ = nullptr;
  std::weak_ptr<bool> alive_;
  std::uint64_t key_ = 0;
};

}  // namespace xylem::broker
