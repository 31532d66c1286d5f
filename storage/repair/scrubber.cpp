#include "storage/repair/scrubber.h"

#include "common/process.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kWaitMaxUs = 1'000'000;  // then it asks the clock again

}  // namespace

class Scrubber::Impl {
 public:
  Impl(const Scrub::Context& context, const Scrub::Options& options)
      : clock_(context.clock), scrub_(context, options), thread_([this] {
          name_this_thread("scrubber");
          lower_this_thread();
          run();
        }) {}

  ~Impl() { stop(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void add(std::weak_ptr<Scrubbed> log) { scrub_.add(std::move(log)); }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const auto again_at_us = scrub_.step();
      lock.lock();
      const auto left =
          std::clamp<std::int64_t>(again_at_us - clock_.monotonic_us(), 0, kWaitMaxUs);
      wake_.wait_for(lock, std::chrono::microseconds(left), [this] { return stopping_; });
    }
  }

  const Clock& clock_;
  Scrub scrub_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under mutex_
  std::thread thread_;
};

Scrubber::Scrubber(Scrub::Context context, const Scrub::Options& options)
    : impl_(options.bytes_per_s > 0 ? std::make_unique<Impl>(context, options) : nullptr) {}

Scrubber::~Scrubber() = default;

void Scrubber::add(std::weak_ptr<Scrubbed> log) {
  if (impl_ != nullptr) impl_->add(std::move(log));
}

void Scrubber::stop() {
  if (impl_ != nullptr) impl_->stop();
}

}  // namespace xylem::storage
