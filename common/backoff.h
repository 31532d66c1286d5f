// How long to wait before trying again: full jitter under a doubling limit, so that many clients
// that lost the same broker do not come back together.
//
// Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
#pragma once

#include "common/random.h"

#include <cstdint>

namespace xylem {

class Backoff {
 public:
  Backoff(std::uint64_t first_ms, std::uint64_t max_ms) : first_ms_(first_ms), max_ms_(max_ms) {}

  // Uniform in [0, min(max, first × 2^calls so far)].
  std::uint64_t next_ms(Random& random);

  void reset() { limit_ms_ = 0; }

 private:
  std::uint64_t first_ms_;
  std::uint64_t max_ms_;
  std::uint64_t limit_ms_ = 0;  // of the last delay; 0: none yet
};

}  // namespace xylem
