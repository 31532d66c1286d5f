#include "storage/log_health.h"

#include <string>

namespace xylem::storage {

Status LogHealth::writable() const {
  if (!troubled_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  if (fence_) return std::unexpected(*fence_);
  if (disk_full_) return std::unexpected(*disk_full_);
  return {};
}

Status LogHealth::status() const {
  if (auto good = writable(); !good) return good;
  const std::lock_guard lock(mutex_);
  if (lost_.empty()) return {};
  const auto& first = lost_.front();
  return fail(Errc::kCorrupt, "offsets " + std::to_string(first.from.value()) + " to " +
                                  std::to_string((first.to + -1).value()) + " were lost (" +
                                  std::to_string(lost_.size()) + " such ranges)");
}

std::vector<OffsetRange> LogHealth::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

bool LogHealth::fence(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (fence_) return false;
  fence_ = error;
  fenced_.store(true, std::memory_order_release);
  troubled_.store(true, std::memory_order_release);
  return true;
}

bool LogHealth::set_disk_full(const std::optional<Error>& error) {
  const std::lock_guard lock(mutex_);
  const bool news = disk_full_.has_value() != error.has_value();
  disk_full_ = error;
  troubled_.store(fence_ || disk_full_, std::memory_order_release);
  return news;
}

void LogHealth::add_lost(const std::vector<OffsetRange>& ranges) {
  const std::lock_guard lock(mutex_);
  lost_.insert(lost_.end(), ranges.begin(), ranges.end());
}

}  // namespace xylem::storage
