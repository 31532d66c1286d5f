// So many bytes a second: what is spent beyond them is waited for afterwards.
//
// Pure. Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>

namespace xylem::broker {

class ByteBudget {
 public:
  // `bytes_per_s` holds for these bytes; it is not 0.
  void spend(std::int64_t bytes, std::int64_t bytes_per_s, std::int64_t now_ms) {
    owed_until_ms_ = std::max(owed_until_ms_, now_ms) + bytes * 1'000 / bytes_per_s;
  }

  // Before more is spent.
  [[nodiscard]] std::int64_t wait_ms(std::int64_t now_ms) const {
    return std::max<std::int64_t>(owed_until_ms_ - now_ms, 0);
  }

 private:
  std::int64_t owed_until_ms_ = 0;
};

}  // namespace xylem::broker
