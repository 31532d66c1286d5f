#include "common/backoff.h"

#include <algorithm>

namespace xylem {

std::uint64_t Backoff::next_ms(Random& random) {
  limit_ms_ = limit_ms_ == 0 ? first_ms_ : limit_ms_ * 2;
  limit_ms_ = std::min(limit_ms_, max_ms_);
  return random.below(limit_ms_ + 1);
}

}  // namespace xylem
