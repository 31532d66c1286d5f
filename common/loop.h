// An event loop and the thread it runs on: the unit of ownership of the whole program.
//
// Every mutable object belongs to exactly one Loop and is touched on its thread alone; loops talk
// only by post(). The inbox is bounded: post() answers false when it is full, and the caller
// decides what to shed. What the loop itself has asked for comes by answer(), which takes it all
// the same: who waits for it would else wait for ever.
//
// Threads: post(), answer(), stop() and is_here() from any thread; everything else on the loop's
// own. The loop belongs to the thread that made it until another one calls run().
#pragma once

#include "common/thread_annotations.h"

#include <cstddef>
#include <functional>
#include <memory>

struct uv_loop_s;  // NOLINT(readability-identifier-naming): libuv's name

namespace xylem {

class XYLEM_CAPABILITY("loop") Loop {
 public:
  using Task = std::function<void()>;

  static constexpr std::size_t kInboxMax = 65'536;  // tasks

  Loop();
  ~Loop();  // CHECK: every handle of the loop is closed or closing; says which are not
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop(); the calling thread becomes the loop's; may run again
  void stop();  // idempotent; before run(), makes it return at once

  // Runs `task` on the loop, in the order posted. False: the inbox is full, `task` is dropped.
  [[nodiscard]] bool post(Task task);

  // As post(), also into a full inbox: `task` brings what the loop has asked another thread for.
  // So what lies in the inbox is bounded by kInboxMax and the requests that are open.
  void answer(Task task);

  [[nodiscard]] bool is_here() const noexcept;
  void check_here() const XYLEM_ASSERTS_ON(this);  // aborts on any other thread

  [[nodiscard]] uv_loop_s* raw() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
