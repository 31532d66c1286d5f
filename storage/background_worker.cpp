#include "storage/background_worker.h"

#include <utility>

namespace xylem::storage {

BackgroundWorker::BackgroundWorker(std::string name, bool has_thread)
    : name_(std::move(name)), has_thread_(has_thread) {}

BackgroundWorker::~BackgroundWorker() { stop(); }

bool BackgroundWorker::submit(Worker::Task task) {
  if (is_stopping()) return false;
  if (!has_thread_) {
    task();
    return true;
  }
  if (worker_ == nullptr) worker_ = std::make_unique<Worker>(name_);
  return worker_->submit([this, task = std::move(task)] {
    if (!is_stopping()) task();
  });
}

void BackgroundWorker::stop() {
  stopping_ = true;
  worker_.reset();
}

}  // namespace xylem::storage
