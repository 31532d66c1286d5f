#include "common/loop.h"

#include "common/check.h"
#include "common/uv_handle.h"

#include <atomic>
#include <cstdio>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace xylem {

class Loop::Impl {
 public:
  Impl() {
    XYLEM_CHECK(uv_loop_init(&loop_) == 0);
    auto wake = std::make_unique<uv_async_t>();
    XYLEM_CHECK(uv_async_init(&loop_, wake.get(), &Impl::on_wake) == 0);
    wake->data = this;
    wake_.reset(wake.release());
  }

  ~Impl() {
    inbox_.clear();  // a task that never ran may own handles
    wake_.reset();
    int open = 0;
    uv_walk(&loop_, &Impl::report_open, &open);
    XYLEM_CHECK(open == 0);
    uv_run(&loop_, UV_RUN_DEFAULT);  // lets the close callbacks run
    XYLEM_CHECK(uv_loop_close(&loop_) == 0);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void run() {
    thread_ = std::this_thread::get_id();
    uv_run(&loop_, UV_RUN_DEFAULT);
    const std::lock_guard lock(mutex_);
    stopping_ = false;
  }

  bool post(Task task, std::size_t inbox_max) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (inbox_.size() >= inbox_max) return false;
      first = inbox_.empty();
      inbox_.push_back(std::move(task));
    }
    if (first) uv_async_send(wake_.get());
    return true;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    uv_async_send(wake_.get());
  }

  [[nodiscard]] bool is_here() const noexcept { return thread_ == std::this_thread::get_id(); }

  uv_loop_t* raw() noexcept { return &loop_; }

 private:
  static void on_wake(uv_async_t* wake) {
    if (wake->data != nullptr) static_cast<Impl*>(wake->data)->drain();
  }

  static void report_open(uv_handle_t* handle, void* open) {
    if (uv_is_closing(handle) != 0) return;
    std::fprintf(stderr, "loop: a %s is still open\n", uv_handle_type_name(handle->type));
    ++*static_cast<int*>(open);
  }

  // uv_async_send coalesces: one wake stands for any number of posts, so take all there is. The
  // mutex (not a lock-free queue) is what orders a coalesced send after its push: libuv promises no
  // ordering of its own before 1.53.
  void drain() {
    std::vector<Task> batch;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(inbox_);
      stopping = stopping_;
    }
    for (auto& task : batch) task();
    if (stopping) uv_stop(&loop_);
  }

  uv_loop_t loop_{};
  UvHandle<uv_async_t> wake_;
  std::atomic<std::thread::id> thread_{std::this_thread::get_id()};
  std::mutex mutex_;
  std::vector<Task> inbox_;  // under mutex_
  bool stopping_ = false;    // under mutex_
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Loop::~Loop() = default;

void Loop::run() { impl_->run(); }

void Loop::stop() { impl_->stop(); }

bool Loop::post(Task task) { return impl_->post(std::move(task), kInboxMax); }

void Loop::answer(Task task) {
  XYLEM_CHECK(impl_->post(std::move(task), std::numeric_limits<std::size_t>::max()));
}

bool Loop::is_here() const noexcept { return impl_->is_here(); }

void Loop::check_here() const { XYLEM_CHECK(is_here()); }

uv_loop_s* Loop::raw() noexcept { return impl_->raw(); }

}  // namespace xylem
