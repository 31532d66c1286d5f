// A Loop on a thread of its own: for tests, tools, and the parts of a program that get one each.
//
// Destruction stops the loop and joins. Whatever lives on the loop must be gone by then: destroy it
// in a last run().
//
// Threads: run() and loop() from any thread but the loop's own.
#pragma once

#include "common/check.h"
#include "common/loop.h"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace xylem {

class LoopThread {
 public:
  explicit LoopThread(const std::string& name);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  [[nodiscard]] Loop& loop() noexcept { return loop_; }

  // Runs `function` on the loop, waits for it, and gives what it returned.
  template <class Function>
  std::invoke_result_t<Function> run(Function&& function) {
    XYLEM_CHECK(!loop_.is_here());
    using Task = std::packaged_task<std::invoke_result_t<Function>()>;
    auto task = std::make_shared<Task>(std::forward<Function>(function));
    auto done = task->get_future();
    XYLEM_CHECK(loop_.post([task] { (*task)(); }));
    return done.get();
  }

 private:
  Loop loop_;
  std::thread thread_;
};

}  // namespace xylem
