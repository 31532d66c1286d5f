#include "storage/compaction/compaction_state.h"

#include <algorithm>

namespace xylem::storage {

void CompactionState::add_mark(const TombstoneMark& mark) {
  auto next = mark;
  if (!marks.empty()) {
    if (next.below <= marks.back().below) return;
    next.appended_ms = std::max(next.appended_ms, marks.back().appended_ms);
  }
  marks.push_back(next);
  if (marks.size() <= kMarksMax) return;
  auto closest = marks.begin();
  for (auto at = marks.begin(); at + 1 != marks.end(); ++at) {
    const auto gap = [](auto one) { return (one + 1)->appended_ms - one->appended_ms; };
    if (gap(at) < gap(closest)) closest = at;
  }
  marks.erase(closest);
}

void CompactionState::cut_back(Offset end) {
  cleaned_to = std::min(cleaned_to, end);
  bounds.compacted_below = std::min(bounds.compacted_below, end);
  bounds.tombstone_horizon = std::min(bounds.tombstone_horizon, end);
  for (auto& mark : marks) mark.below = std::min(mark.below, end);
  const auto same = std::ranges::unique(marks, {}, &TombstoneMark::below);
  marks.erase(same.begin(), same.end());
}

void CompactionState::come_back(Offset from) {
  cleaned_to = std::min(cleaned_to, from);
  std::erase_if(marks, [&](const auto& mark) { return mark.below > from; });
}

Offset CompactionState::horizon_at(std::int64_t now_ms, std::int64_t retention_ms) const {
  auto horizon = bounds.tombstone_horizon;
  for (const auto& mark : marks) {
    if (retention_ms >= 0 && mark.appended_ms <= now_ms - retention_ms)
      horizon = std::max(horizon, mark.below);
  }
  return horizon;
}

bool is_dirty(std::span<const SealedSegment> sealed, Offset cleaned_to, std::int64_t percent_min) {
  std::int64_t all = 0;
  std::int64_t dirty = 0;
  for (const auto& segment : sealed) {
    all += segment.bytes;
    if (segment.end > cleaned_to) dirty += segment.bytes;
  }
  return dirty > 0 && dirty * 100 >= all * percent_min;
}

}  // namespace xylem::storage
