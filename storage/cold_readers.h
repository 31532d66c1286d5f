// The threads that wait for the disk in a loop's place.
//
// They start with the first task: a node whose readers are all at the tail never has them.
// Threads: the loop's.
#pragma once

#include "common/worker.h"

#include <array>
#include <cstddef>
#include <memory>

namespace xylem::storage {

class ColdReaders {
 public:
  static constexpr std::size_t kThreads = 2;

  // False: too much waits for the disk already.
  [[nodiscard]] bool submit(Worker::Task task);

 private:
  std::array<std::unique_ptr<Worker>, kThreads> workers_;
  std::size_t turn_ = 0;
};

}  // namespace xylem::storage
