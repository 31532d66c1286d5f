#include "common/clock.h"

#include <ctime>

namespace xylem {
namespace {

std::int64_t nanoseconds(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::monotonic_us() const noexcept {
  return nanoseconds(CLOCK_MONOTONIC) / 1000;
}

std::int64_t SystemClock::wall_ms() const noexcept {
  return nanoseconds(CLOCK_REALTIME) / 1'000'000;
}

}  // namespace xylem
