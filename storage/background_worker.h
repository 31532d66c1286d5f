// A thread for what takes long and may be left undone when the engine closes.
//
// It starts with the first task. Where an engine has no threads, submit() runs the task.
// Threads: submit: the loop's; is_stopping: any; stop: once, on the loop.
#pragma once

#include "common/worker.h"

#include <atomic>
#include <memory>
#include <string>

namespace xylem::storage {

class BackgroundWorker {
 public:
  BackgroundWorker(std::string name, bool has_thread);
  ~BackgroundWorker();
  BackgroundWorker(const BackgroundWorker&) = delete;
  BackgroundWorker& operator=(const BackgroundWorker&) = delete;

  // False: the queue is full, or it stops.
  [[nodiscard]] bool submit(Worker::Task task);

  // A task that sees this gives up.
  [[nodiscard]] bool is_stopping() const { return stopping_.load(); }

  // Ends the thread; what waits is dropped.
  void stop();

 private:
  const std::string name_;
  const bool has_thread_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<Worker> worker_;
};

}  // namespace xylem::storage
