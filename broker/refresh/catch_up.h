// When a replay is complete: at the barrier it still lacks what came meanwhile, which the consumer
// has in its old copy. So it goes on to where live data is by then; a second time, live data is
// held until the replay is there as well. Then nothing is missing behind the swap, and live data
// was held only as long as the second stretch takes, however much comes. A state machine without
// I/O.
//
// Threads: one.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <vector>

namespace xylem::broker {

class CatchUp {
 public:
  enum class Step : std::uint8_t {
    kGoOn,
    kHold,  // hold live data, then ask again
    kDone,
  };

  // Both per partition, next-to-send. Ask whenever one of them has moved.
  Step next(const std::vector<Offset>& barrier,
            const std::vector<Offset>& replayed,
            const std::vector<Offset>& live);

 private:
  enum class Stretch : std::uint8_t { kToBarrier, kToLive, kToHeldLive };

  Stretch stretch_ = Stretch::kToBarrier;
  std::vector<Offset> goal_;
};

// Partitions that `have` does not name are at 0.
[[nodiscard]] bool reaches(const std::vector<Offset>& have, const std::vector<Offset>& wanted);

}  // namespace xylem::broker
