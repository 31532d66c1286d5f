#include "common/signals.h"

#include "common/check.h"
#include "common/uv_handle.h"

#include <array>
#include <csignal>
#include <cstddef>
#include <utility>

namespace xylem {

class StopSignals::Impl {
 public:
  Impl(Loop& loop, std::function<void()> on_stop) : on_stop_(std::move(on_stop)) {
    loop.check_here();
    XYLEM_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      auto handle = std::make_unique<uv_signal_t>();
      XYLEM_CHECK(uv_signal_init(loop.raw(), handle.get()) == 0);
      handle->data = this;
      handles_[i].reset(handle.release());
      XYLEM_CHECK(uv_signal_start(handles_[i].get(), &Impl::on_signal, kNumbers[i]) == 0);
    }
  }

 private:
  static constexpr std::array kNumbers{SIGTERM, SIGINT};

  static void on_signal(uv_signal_t* handle, int /*number*/) {
    if (handle->data != nullptr) static_cast<Impl*>(handle->data)->stop_once();
  }

  void stop_once() {
    for (auto& handle : handles_) uv_signal_stop(handle.get());
    if (auto on_stop = std::exchange(on_stop_, nullptr)) on_stop();
  }

  std::array<UvHandle<uv_signal_t>, kNumbers.size()> handles_;
  std::function<void()> on_stop_;
};

StopSignals::StopSignals(Loop& loop, std::function<void()> on_stop)
    : impl_(std::make_unique<Impl>(loop, std::move(on_stop))) {}

StopSignals::~StopSignals() = default;

}  // namespace xylem
