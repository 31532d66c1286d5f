#include "storage/segment/mapped_segments.h"

#include "storage/segment/segment.h"

#include <utility>

namespace xylem::storage {

void MappedSegments::add(std::weak_ptr<const Segment> segment) {
  const std::lock_guard lock(mutex_);
  oldest_first_.push_back(std::move(segment));
  for (auto turns = 2 * oldest_first_.size(); oldest_first_.size() > max_ && turns > 0; --turns) {
    auto oldest = std::move(oldest_first_.front());
    oldest_first_.pop_front();
    const auto there = oldest.lock();
    if (there != nullptr && !there->unmap_unless_used()) oldest_first_.push_back(std::move(oldest));
  }
}

std::size_t MappedSegments::size() const {
  const std::lock_guard lock(mutex_);
  return oldest_first_.size();
}

}  // namespace xylem::storage
