// Which of a log's oldest segments retention lets go.
//
// A segment's time is the earlier of its largest record timestamp and this node's own append time,
// clamped to grow along the log: neither a timestamp from the future nor a jump of the clock
// decides alone. A pass takes at most a quarter of the segments.
// Threads: the writer's loop.
#pragma once

#include "common/clock.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace xylem::storage {

struct SegmentAge {
  std::int64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;  // of its records; -1: they carry none
  std::int64_t appended_ms = 0;        // this node's wall clock at its last append
};

struct RetentionPolicy {
  std::int64_t bytes = -1;  // -1: no limit
  std::int64_t ms = -1;     // -1: no limit
};

// How many of `segments` to drop, from the first on. The last one is active and stays. `now_ms` is
// nullopt while the clock is not to be trusted.
[[nodiscard]] std::size_t expired_segments(std::span<const SegmentAge> segments,
                                           const RetentionPolicy& policy,
                                           std::optional<std::int64_t> now_ms);

// The wall clock, while it moves as the monotonic one does. After a jump it has to agree with
// itself for kSettleMs before it is believed again.
class TrustedClock {
 public:
  static constexpr std::int64_t kDriftMaxMs = 2LL * 60 * 1000;
  static constexpr std::int64_t kSettleMs = 10LL * 60 * 1000;

  explicit TrustedClock(const Clock& clock);

  std::optional<std::int64_t> now_ms();

 private:
  const Clock& clock_;
  std::int64_t distance_ms_;               // wall less monotonic
  std::optional<std::int64_t> jumped_ms_;  // monotonic; when the last jump was seen
};

}  // namespace xylem::storage
