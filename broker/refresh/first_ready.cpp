#include "broker/refresh/first_ready.h"

#include "broker/refresh/catch_up.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::broker {

FirstReady::FirstReady(std::vector<Offset> cursors, std::vector<Offset> goal)
    : acknowledged_(std::move(cursors)), goal_(std::move(goal)) {}

void FirstReady::acknowledged(PartitionId partition, Offset next) {
  const auto p = static_cast<std::size_t>(partition.value());
  if (p < acknowledged_.size()) acknowledged_[p] = std::max(acknowledged_[p], next);
}

bool FirstReady::is_due(std::int64_t now_ms) {
  if (is_over_ || !reaches(acknowledged_, goal_)) return false;
  if (told_at_ms_ && now_ms - *told_at_ms_ < kAgainMs) return false;
  told_at_ms_ = now_ms;
  return true;
}

}  // namespace xylem::broker
