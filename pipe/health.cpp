#include "pipe/health.h"

namespace xylem::pipe {

std::string_view to_string(Health health) noexcept {
  switch (health) {
    case Health::kHealthy:
      return "HEALTHY";
    case Health::kDegraded:
      return "DEGRADED";
    case Health::kUnhealthy:
      return "UNHEALTHY";
  }
  return "UNKNOWN";
}

Health PipeHealth::at(std::int64_t now_ms, bool is_lagging) const {
  const auto since = since_success_ms(now_ms);
  if (!since || *since >= unhealthy_ms_) return Health::kUnhealthy;
  const bool is_late = *since > 3 * interval_ms_;
  const bool failed_lately = failed_at_ms_ && now_ms - *failed_at_ms_ < kFailureRemembered;
  return is_late || failed_lately || is_lagging ? Health::kDegraded : Health::kHealthy;
}

std::optional<std::int64_t> PipeHealth::since_success_ms(std::int64_t now_ms) const {
  if (!succeeded_at_ms_) return std::nullopt;
  return now_ms - *succeeded_at_ms_;
}

}  // namespace xylem::pipe
