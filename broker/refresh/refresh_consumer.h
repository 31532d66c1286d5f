// A consumer as a refresh sees it: one subscription that holds its topic whole, and can replay.
//
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/frame.h"
#include "network/protocol/messages.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xylem::broker {

class RefreshConsumer {
 public:
  virtual ~RefreshConsumer() = default;

  virtual void send_refresh(network::FrameType type, const network::Refresh& refresh) = 0;

  // From each log's start, under that id, beside live data; one that runs is dropped. What the
  // consumer has of it already need not be sent. The answer is where each partition begins.
  virtual std::vector<Offset> begin_replay(std::uint64_t refresh_id) = 0;

  // Sends one piece, as credit and the connection allow; the bytes sent. 0: not now: it is tried
  // again when the subscription was pushed.
  virtual Result<std::size_t> push_replay() = 0;

  // The next offsets to be sent, by partition.
  [[nodiscard]] virtual std::vector<Offset> replayed() const = 0;
  [[nodiscard]] virtual std::vector<Offset> live() const = 0;

  virtual void hold_live() = 0;

  // Live data goes on: with `has_swapped` behind the replay, else where it was.
  virtual void end_replay(bool has_swapped) = 0;
};

}  // namespace xylem::broker
