// How long the peer of a connection has been silent, in ticks of a timer of ours.
//
// Not in time: a stall of this process, however long, is one tick, and what came meanwhile is read
// before the next one. Any byte is a sign of life: a large frame takes its time on a thin link, and
// no HEARTBEAT passes it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

namespace xylem::network {

class Silence {
 public:
  // One more tick has passed. `received_bytes`: Connection::received_bytes(). The answer is how
  // many ticks in a row brought nothing; the first one says nothing about the peer.
  int tick(std::uint64_t received_bytes) {
    const bool has_heard = std::exchange(received_bytes_, received_bytes) != received_bytes;
    silent_ticks_ = has_heard ? 0 : silent_ticks_ + 1;
    return silent_ticks_;
  }

 private:
  static constexpr auto kNoTickYet = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t received_bytes_ = kNoTickYet;
  int silent_ticks_ = 0;
};

}  // namespace xylem::network
