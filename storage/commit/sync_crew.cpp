#include "storage/commit/sync_crew.h"

#include "common/process.h"

#include <algorithm>

namespace xylem::storage {

SyncCrew::~SyncCrew() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void SyncCrew::run(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (count == 1) return work(0);
  std::unique_lock lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = count;
  while (threads_.size() + 1 < std::min(count, kThreadsMax))
    threads_.emplace_back([this] { help(); });
  wake_.notify_all();
  while (take_one(lock)) {
  }
  done_.wait(lock, [this] { return running_ == 0; });
}

void SyncCrew::help() {
  name_this_thread("sync");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!take_one(lock)) wake_.wait(lock, [this] { return stopping_ || next_ < count_; });
  }
}

bool SyncCrew::take_one(std::unique_lock<std::mutex>& lock) {
  if (next_ == count_) return false;
  const auto index = next_++;
  ++running_;
  lock.unlock();
  (*work_)(index);
  lock.lock();
  if (--running_ == 0 && next_ == count_) done_.notify_one();
  return true;
}

}  // namespace xylem::storage
