#include "storage/compaction/compactor.h"

#include "common/process.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kStepBytes = 1024LL * 1024;  // between two waits

}  // namespace

class Compactor::Impl final : public CompactionPace {
 public:
  explicit Impl(std::int64_t bytes_per_s)
      : bytes_per_s_(bytes_per_s), thread_([this] {
          name_this_thread("compactor");
          lower_this_thread();
          run();
        }) {}

  ~Impl() override { stop(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void enqueue(std::shared_ptr<Compacted> log) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      queued_.push_back(std::move(log));
    }
    wake_.notify_one();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    queued_.clear();
  }

  bool spend(std::int64_t bytes) override {
    std::unique_lock lock(mutex_);
    owed_bytes_ += bytes;
    if (bytes_per_s_ > 0 && owed_bytes_ >= kStepBytes) {
      const auto wait_us = std::exchange(owed_bytes_, 0) * 1'000'000 / bytes_per_s_;
      wake_.wait_for(lock, std::chrono::microseconds(wait_us), [this] { return stopping_; });
    }
    return !stopping_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
      if (stopping_) return;
      auto log = std::move(queued_.front());
      queued_.pop_front();
      lock.unlock();
      log->compact(*this);
      log = nullptr;
      lock.lock();
    }
  }

  const std::int64_t bytes_per_s_;
  std::int64_t owed_bytes_ = 0;  // the thread's
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Compacted>> queued_;  // under mutex_
  bool stopping_ = false;                          // under mutex_
  std::thread thread_;
};

Compactor::Compactor(const CompactionLimits& limits)
    : limits_(limits), impl_(std::make_unique<Impl>(limits.bytes_per_s)) {}

Compactor::~Compactor() = default;

void Compactor::enqueue(std::shared_ptr<Compacted> log) { impl_->enqueue(std::move(log)); }

void Compactor::stop() { impl_->stop(); }

}  // namespace xylem::storage
