// A timer on a Loop. Destroying it stops it; a callback may restart or destroy its own timer.
//
// Threads: the loop's.
#pragma once

#include "common/loop.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace xylem {

class Timer {
 public:
  using Callback = std::function<void()>;

  explicit Timer(Loop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls back once after `after_ms`, then every `every_ms` when that is not 0. Restarts.
  void start(std::uint64_t after_ms, std::uint64_t every_ms, Callback callback);
  void stop();

  [[nodiscard]] bool is_active() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
