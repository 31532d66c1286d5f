#include "storage/log_health.h"

namespace xylem::storage {

Status LogHealth::writable() const {
  if (!troubled_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  if (fence_) return std::unexpected(*fence_);
  if (disk_full_) return std::unexpected(*disk_full_);
  return {};
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

}  // namespace xylem::storage
