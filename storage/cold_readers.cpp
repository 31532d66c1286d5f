#include "storage/cold_readers.h"

#include <utility>

namespace xylem::storage {

bool ColdReaders::submit(Worker::Task task) {
  auto& worker = workers_.at(turn_++ % kThreads);
  if (worker == nullptr) worker = std::make_unique<Worker>("cold-reader");
  return worker->submit(std::move(task));
}

}  // namespace xylem::storage
