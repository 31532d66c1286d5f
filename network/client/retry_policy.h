// What a Consumer does when its handler fails.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string_view>

namespace xylem::network {

enum class RetryPolicy : std::uint8_t {
  kExponentialThenFixed,  // 1 s doubling to 30 s, ten tries, then every 30 s
  kSkipOnError,
  kPauseOnError,  // until resume()
};

Result<RetryPolicy> retry_policy_of(std::string_view name);  // EXPONENTIAL_THEN_FIXED | ...

// The delays of kExponentialThenFixed. No jitter: nobody else is waiting for the same handler.
class RetrySchedule {
 public:
  struct Options {
    std::uint64_t first_ms = 1'000;
    std::uint64_t max_ms = 30'000;
    std::uint32_t doubling_tries = 10;  // after them every max_ms
  };

  explicit RetrySchedule(const Options& options) : options_(options) {}

  std::uint64_t next_ms();

  void reset() { tries_ = 0; }

  [[nodiscard]] std::uint32_t tries() const { return tries_; }

 private:
  Options options_;
  std::uint32_t tries_ = 0;
  std::uint64_t delay_ms_ = 0;
};

}  // namespace xylem::network
