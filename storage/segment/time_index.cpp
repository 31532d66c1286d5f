#include "storage/segment/time_index.h"

#include "storage/segment/sparse_index.h"

#include <algorithm>

namespace xylem::storage {

void TimeIndex::add(std::size_t position, std::int64_t max_timestamp_ms) {
  if (position / kIndexStepBytes != step_position_ / kIndexStepBytes) step_position_ = position;
  const auto count = entries_.size();
  const bool is_new = step_position_ > (count == 0 ? 0 : entries_[count - 1].position);
  if (max_timestamp_ms > latest_ms_ && is_new &&
      (count == 0 || latest_ms_ > entries_[count - 1].latest_before_ms))
    entries_.push_back({latest_ms_, static_cast<std::uint32_t>(step_position_)});
  reach(max_timestamp_ms);
}

bool TimeIndex::restore(TimeEntry entry) {
  if (const auto count = entries_.size(); count > 0) {
    const auto& last = entries_[count - 1];
    if (entry.latest_before_ms <= last.latest_before_ms || entry.position <= last.position)
      return false;
  }
  entries_.push_back(entry);
  return true;
}

std::size_t TimeIndex::position_for(std::int64_t timestamp_ms) const {
  std::size_t low = 0;
  std::size_t high = entries_.size();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (entries_[middle].latest_before_ms < timestamp_ms)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : entries_[low - 1].position;
}

void TimeIndex::reach(std::int64_t max_timestamp_ms) {
  latest_ms_ = std::max(latest_ms_, max_timestamp_ms);
}

}  // namespace xylem::storage
