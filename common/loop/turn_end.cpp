#include "common/loop/turn_end.h"

#include "common/uv_handle.h"

#include <utility>
#include <vector>

namespace xylem {

// Handles that run only while something waits. libuv calls `work` right after I/O callbacks, then,
// having looked at its timers, `send` right before it sleeps; `idle` keeps it from sleeping.
struct TurnEnd::State : std::enable_shared_from_this<State> {
  State(Loop& loop, Stage the_stage) : stage(the_stage) {
    uv_idle_init(loop.raw(), idle.get());
    uv_check_init(loop.raw(), work.get());
    uv_prepare_init(loop.raw(), send.get());
    work->data = send->data = this;
  }

  void start() {
    uv_idle_start(idle.get(), [](uv_idle_t*) {});
    if (stage == Stage::kWork)
      uv_check_start(work.get(), [](uv_check_t* handle) { run(handle->data); });
    else
      uv_prepare_start(send.get(), [](uv_prepare_t* handle) { run(handle->data); });
  }

  void stop() {
    uv_idle_stop(idle.get());
    uv_check_stop(work.get());
    uv_prepare_stop(send.get());
  }

  static void run(void* data) {
    if (data == nullptr) return;
    const auto self = static_cast<State*>(data)->shared_from_this();  // a task may destroy us
    std::vector<std::function<void()>> now;
    now.swap(self->waiting);
    for (const auto& task : now) {
      if (self->is_gone) return;
      task();
    }
    if (self->waiting.empty() && !self->is_gone) self->stop();
  }

  Stage stage;
  UvHandle<uv_idle_t> idle = make_uv_handle<uv_idle_t>();
  UvHandle<uv_check_t> work = make_uv_handle<uv_check_t>();
  UvHandle<uv_prepare_t> send = make_uv_handle<uv_prepare_t>();
  std::vector<std::function<void()>> waiting;
  bool is_gone = false;
};

TurnEnd::TurnEnd(Loop& loop, Stage stage) : state_(std::make_shared<State>(loop, stage)) {}

TurnEnd::~TurnEnd() {
  state_->is_gone = true;
  state_->waiting.clear();
}

void TurnEnd::add(std::function<void()> task) {
  state_->waiting.push_back(std::move(task));
  if (state_->waiting.size() == 1) state_->start();
}

}  // namespace xylem
