// A subscription's place among those that take part in refreshes. Empty: it has none.
//
// Threads: the loop's; ends before the Refreshes it came from.
#pragma once

#include "network/protocol/frame.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <utility>

namespace xylem::broker {

class Refreshes;

class RefreshSeat {
 public:
  RefreshSeat() = default;

  RefreshSeat(Refreshes& refreshes, std::uint64_t key) : refreshes_(&refreshes), key_(key) {}

  ~RefreshSeat();

  RefreshSeat(RefreshSeat&& from) noexcept
      : refreshes_(std::exchange(from.refreshes_, nullptr)), key_(from.key_) {}

  RefreshSeat& operator=(RefreshSeat&& from) noexcept {
    std::swap(refreshes_, from.refreshes_);
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
  Refreshes* refreshes_ = nullptr;
  std::uint64_t key_ = 0;
};

}  // namespace xylem::broker
