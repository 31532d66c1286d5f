#include "common/loop/turn_end.h"

#include "common/uv_handle.h"

#include <utility>
#include <vector>

namespace xylem {

// Two handles, running only while something waits: `check` comes right after I/O callbacks, `idle`
// keeps the loop from sleeping before them.
struct TurnEnd::State : std::enable_shared_from_this<State> {
  explicit State(Loop& loop) {
    uv_idle_init(loop.raw(), idle.get());
    uv_check_init(loop.raw(), check.get());
    check->data = this;
  }

  void start() {
    uv_idle_start(idle.get(), [](uv_idle_t*) {});
    uv_check_start(check.get(), [](uv_check_t* handle) { run(handle->data); });
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
    if (!self->waiting.empty() || self->is_gone) return;
    uv_idle_stop(self->idle.get());
    uv_check_stop(self->check.get());
  }

  UvHandle<uv_idle_t> idle = make_uv_handle<uv_idle_t>();
  UvHandle<uv_check_t> check = make_uv_handle<uv_check_t>();
  std::vector<std::function<void()>> waiting;
  bool is_gone = false;
};

TurnEnd::TurnEnd(Loop& loop) : state_(std::make_shared<State>(loop)) {}

TurnEnd::~TurnEnd() {
  state_->is_gone = true;
  state_->waiting.clear();
}

void TurnEnd::add(std::function<void()> task) {
  state_->waiting.push_back(std::move(task));
  if (state_->waiting.size() == 1) state_->start();
}

}  // namespace xylem
