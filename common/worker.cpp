#include "common/worker.h"

#include "common/process.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace xylem {

class Worker::Impl {
 public:
  explicit Impl(const std::string& name)
      : thread_([this, name] {
          name_this_thread(name);
          work();
        }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool submit(Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (closing_ || queue_.size() >= kQueueMax) return false;
      queue_.push_back(std::move(task));
    }
    wake_.notify_one();
    return true;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      auto task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it captured dies outside the lock
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;  // under mutex_
  bool closing_ = false;    // under mutex_
  std::thread thread_;      // last: it uses all of the above
};

Worker::Worker(const std::string& name) : impl_(std::make_unique<Impl>(name)) {}

Worker::~Worker() = default;

bool Worker::submit(Task task) { return impl_->submit(std::move(task)); }

}  // namespace xylem
