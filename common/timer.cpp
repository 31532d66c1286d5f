#include "common/timer.h"

#include "common/check.h"
#include "common/uv_handle.h"

#include <utility>

namespace xylem {

class Timer::Impl {
 public:
  explicit Impl(Loop& loop) : loop_(loop) {
    loop_.check_here();
    auto timer = std::make_unique<uv_timer_t>();
    XYLEM_CHECK(uv_timer_init(loop_.raw(), timer.get()) == 0);
    timer->data = this;
    timer_.reset(timer.release());
  }

  ~Impl() { loop_.check_here(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start(std::uint64_t after_ms, std::uint64_t every_ms, Callback callback) {
    loop_.check_here();
    XYLEM_CHECK(callback != nullptr);
    callback_ = std::move(callback);
    uv_update_time(loop_.raw());  // else a long task's age would be taken off the delay
    XYLEM_CHECK(uv_timer_start(timer_.get(), &Impl::on_fire, after_ms, every_ms) == 0);
  }

  void stop() {
    loop_.check_here();
    uv_timer_stop(timer_.get());
    callback_ = nullptr;
  }

  [[nodiscard]] bool is_active() const {
    loop_.check_here();
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(timer_.get())) != 0;
  }

 private:
  // The callback is held here while it runs: it may restart, stop or destroy its own timer.
  static void on_fire(uv_timer_t* timer) {
    auto* self = static_cast<Impl*>(timer->data);
    if (self == nullptr) return;
    auto running = std::exchange(self->callback_, nullptr);
    running();
    self = static_cast<Impl*>(timer->data);
    if (self != nullptr && self->callback_ == nullptr && self->is_active())
      self->callback_ = std::move(running);
  }

  Loop& loop_;
  UvHandle<uv_timer_t> timer_;
  Callback callback_;  // null while it runs
};

Timer::Timer(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}

Timer::~Timer() = default;

void Timer::start(std::uint64_t after_ms, std::uint64_t every_ms, Callback callback) {
  impl_->start(after_ms, every_ms, std::move(callback));
}

void Timer::stop() { impl_->stop(); }

bool Timer::is_active() const { return impl_->is_active(); }

}  // namespace xylem
