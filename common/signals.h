// The signals that ask a process to stop (SIGTERM, SIGINT), delivered on a Loop.
//
// The first one calls back; after it the default disposition is back, so a second one ends a
// process that does not manage to stop. SIGPIPE is ignored from then on: a closed peer is an error
// of the write, not the end of the process.
//
// Threads: the loop's. One object per process.
#pragma once

#include "common/loop.h"

#include <functional>
#include <memory>

namespace xylem {

class StopSignals {
 public:
  StopSignals(Loop& loop, std::function<void()> on_stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
