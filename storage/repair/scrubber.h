// The thread that scrubs the logs of one engine, and gives way to all others.
//
// Threads: add: any; stop: once, before the logs go. A rate of 0: there is no thread.
#pragma once

#include "storage/repair/scrub.h"

#include <memory>

namespace xylem::storage {

class Scrubber {
 public:
  Scrubber(Scrub::Context context, const Scrub::Options& options);
  ~Scrubber();
  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

  void add(std::weak_ptr<Scrubbed> log);

  // Ends the thread, at the latest when a MiB is read.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;  // null: off
};

}  // namespace xylem::storage
