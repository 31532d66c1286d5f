// Exponential back-off with full jitter: uniform in [0, min(longest, shortest × 2^(failures−1))].
//
// Source: Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
#pragma once

#include "common/random.h"

#include <algorithm>
#include <cstdint>

namespace xylem::pipe {

struct Backoff {
  std::uint64_t min_ms = 100;
  std::uint64_t max_ms = 30'000;

  // `failures` in a row, from 1.
  [[nodiscard]] std::uint64_t delay_ms(std::uint32_t failures, Random& random) const {
    const std::uint32_t doublings = std::min<std::uint32_t>(failures - std::min(failures, 1U), 20);
    const std::uint64_t longest = std::min(max_ms, min_ms << doublings);
    return random.below(longest + 1);
  }
};

}  // namespace xylem::pipe
