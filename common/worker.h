// A thread for work that blocks (SQLite, HTTP clients, cold reads), behind request -> callback.
//
// Tasks run one after the other in the order given. The queue is bounded. Destruction stops intake,
// runs what was accepted, and joins.
//
// Threads: submit() from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace xylem {

class Worker {
 public:
  using Task = std::function<void()>;

  static constexpr std::size_t kQueueMax = 4'096;  // tasks

  // `name` is what debuggers and `top -H` show; at most 15 characters.
  explicit Worker(const std::string& name);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // False: the queue is full, `task` is dropped.
  [[nodiscard]] bool submit(Task task);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
