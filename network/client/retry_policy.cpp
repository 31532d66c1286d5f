#include "network/client/retry_policy.h"

#include <algorithm>
#include <string>

namespace xylem::network {

Result<RetryPolicy> retry_policy_of(std::string_view name) {
  if (name == "EXPONENTIAL_THEN_FIXED") return RetryPolicy::kExponentialThenFixed;
  if (name == "SKIP_ON_ERROR") return RetryPolicy::kSkipOnError;
  if (name == "PAUSE_ON_ERROR") return RetryPolicy::kPauseOnError;
  return fail(Errc::kInvalidRequest, "unknown retry policy: " + std::string(name),
              "EXPONENTIAL_THEN_FIXED, SKIP_ON_ERROR or PAUSE_ON_ERROR");
}

std::uint64_t RetrySchedule::next_ms() {
  if (tries_ == 0) {
    delay_ms_ = options_.first_ms;
  } else if (tries_ < options_.doubling_tries) {
    delay_ms_ *= 2;
  } else {
    delay_ms_ = options_.max_ms;
  }
  ++tries_;
  delay_ms_ = std::min(delay_ms_, options_.max_ms);
  return delay_ms_;
}

}  // namespace xylem::network
