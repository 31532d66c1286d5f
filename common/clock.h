// Time, passed in: the system's, or a manual one that tests and the simulator move.
//
// Threads: `SystemClock` and `ManualClock` from any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace xylem {

class Clock {
 public:
  virtual ~Clock() = default;

  // Never goes back, stops with the machine; its zero means nothing.
  [[nodiscard]] virtual std::int64_t monotonic_us() const noexcept = 0;

  // Milliseconds since 1970-01-01 UTC; may jump either way: data, never policy.
  [[nodiscard]] virtual std::int64_t wall_ms() const noexcept = 0;

  [[nodiscard]] std::int64_t monotonic_ms() const noexcept { return monotonic_us() / 1000; }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_us() const noexcept override;
  [[nodiscard]] std::int64_t wall_ms() const noexcept override;
};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_us() const noexcept override { return monotonic_us_; }

  [[nodiscard]] std::int64_t wall_ms() const noexcept override { return wall_ms_; }

  void advance_ms(std::int64_t ms) noexcept {
    monotonic_us_ += ms * 1000;
    wall_ms_ += ms;
  }

  void jump_wall_ms(std::int64_t ms) noexcept { wall_ms_ += ms; }

 private:
  std::atomic<std::int64_t> monotonic_us_{0};
  std::atomic<std::int64_t> wall_ms_{1'700'000'000'000};
};

}  // namespace xylem
