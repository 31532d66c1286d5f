// How well a pipe works, from when its exchanges succeeded and failed (DESIGN section 6).
//
//   HEALTHY    the last exchange succeeded within three times the expected interval; an idle,
//              reachable parent is healthy
//   DEGRADED   succeeding, but some partition is behind or stuck; or a failure in the last minute;
//              or late
//   UNHEALTHY  no success yet, or none for `unhealthy_ms`
//
// Threads: the owner's. Time is given in milliseconds of a monotonic clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace xylem::pipe {

enum class Health : std::uint8_t { kHealthy, kDegraded, kUnhealthy };

[[nodiscard]] std::string_view to_string(Health health) noexcept;

class PipeHealth {
 public:
  static constexpr std::int64_t kFailureRemembered = 60'000;  // ms

  PipeHealth(std::int64_t interval_ms, std::int64_t unhealthy_ms)
      : interval_ms_(interval_ms), unhealthy_ms_(unhealthy_ms) {}

  void succeeded(std::int64_t now_ms) { succeeded_at_ms_ = now_ms; }

  void failed(std::int64_t now_ms) { failed_at_ms_ = now_ms; }

  // `is_lagging`: some partition is behind, unserved or cannot be stored.
  [[nodiscard]] Health at(std::int64_t now_ms, bool is_lagging) const;

  [[nodiscard]] std::optional<std::int64_t> since_success_ms(std::int64_t now_ms) const;

 private:
  std::int64_t interval_ms_;
  std::int64_t unhealthy_ms_;
  std::optional<std::int64_t> succeeded_at_ms_;
  std::optional<std::int64_t> failed_at_ms_;
};

}  // namespace xylem::pipe
