// What turns the loop itself, and may not be a condition of run_until: tried until it is true.
#pragma once

#include "common/clock.h"
#include "tests/support/run_until.h"

#include <cstdint>
#include <functional>

namespace xylem::testing {

// False: it was not within kGiveUpMs.
inline bool try_until(Loop& loop, const std::function<bool()>& attempt) {
  const SystemClock clock;
  const auto end_ms = clock.monotonic_ms() + static_cast<std::int64_t>(kGiveUpMs);
  while (!attempt()) {
    if (clock.monotonic_ms() >= end_ms) return false;
    run_for(loop, 1);
  }
  return true;
}

}  // namespace xylem::testing
