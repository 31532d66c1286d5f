#include "storage/retention.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace xylem::storage {

std::size_t expired_segments(std::span<const SegmentAge> segments,
                             const RetentionPolicy& policy,
                             std::optional<std::int64_t> now_ms) {
  if (segments.size() < 2) return 0;
  const auto most = std::min(segments.size() - 1, std::max<std::size_t>(1, segments.size() / 4));
  std::int64_t held = 0;
  for (const auto& segment : segments) held += segment.bytes;
  auto time = std::numeric_limits<std::int64_t>::min();
  std::size_t count = 0;
  for (; count < most; ++count) {
    const auto& oldest = segments[count];
    const auto own = oldest.max_timestamp_ms > 0
                         ? std::min(oldest.max_timestamp_ms, oldest.appended_ms)
                         : oldest.appended_ms;
    time = std::max(time, own);
    const bool too_old = policy.ms >= 0 && now_ms && time < *now_ms - policy.ms;
    const bool too_much = policy.bytes >= 0 && held - oldest.bytes >= policy.bytes;
    if (!too_old && !too_much) break;
    held -= oldest.bytes;
  }
  return count;
}

TrustedClock::TrustedClock(const Clock& clock)
    : clock_(clock), distance_ms_(clock.wall_ms() - clock.monotonic_ms()) {}

std::optional<std::int64_t> TrustedClock::now_ms() {
  const auto wall = clock_.wall_ms();
  const auto monotonic = clock_.monotonic_ms();
  if (std::abs(wall - monotonic - distance_ms_) > kDriftMaxMs) {
    distance_ms_ = wall - monotonic;
    jumped_ms_ = monotonic;
  }
  if (jumped_ms_ && monotonic - *jumped_ms_ < kSettleMs) return std::nullopt;
  jumped_ms_.reset();
  return wall;
}

}  // namespace xylem::storage
