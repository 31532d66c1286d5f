#include "registry/store_writer.h"

#include <utility>

namespace xylem::registry {

StoreWriter::StoreWriter(
    Loop& loop, RegistryService& service, RefreshJobs& refreshes, NodeStore store, Logger& logger)
    : loop_(loop),
      service_(service),
      refreshes_(refreshes),
      logger_(logger),
      store_(std::move(store)),
      gather_(loop) {
  gather_.start(kGatherMs, kGatherMs, [this] { write(); });
}

StoreWriter::~StoreWriter() {
  worker_.reset();
  if (!has_changes()) return;
  if (auto written = store_.apply(take_changes()); !written)
    logger_.error("store.write_failed", {{"error", written.error().what()}});
}

Status StoreWriter::status() const {
  if (failure_) return std::unexpected(*failure_);
  return {};
}

bool StoreWriter::has_changes() const { return service_.has_changes() || refreshes_.has_changes(); }

RegistryChanges StoreWriter::take_changes() {
  auto changes = service_.take_changes();
  changes.refreshes = refreshes_.take_changes();
  return changes;
}

void StoreWriter::give_back(const RegistryChanges& unwritten) {
  service_.give_back(unwritten);
  refreshes_.give_back(unwritten.refreshes);
}

void StoreWriter::write() {
  loop_.check_here();
  if (is_writing_ || !has_changes()) return;
  auto changes = std::make_shared<const RegistryChanges>(take_changes());
  is_writing_ = worker_->submit([this, changes, alive = std::weak_ptr(alive_)] {
    auto written = std::make_shared<const Status>(store_.apply(*changes));
    loop_.answer([this, changes, written, alive] {
      if (alive.lock() != nullptr) finish(*changes, *written);
    });
  });
  if (!is_writing_) give_back(*changes);
}

void StoreWriter::finish(const RegistryChanges& changes, const Status& written) {
  loop_.check_here();
  is_writing_ = false;
  const bool failed_before = failure_.has_value();
  failure_.reset();
  if (written) {
    if (failed_before) logger_.info("store.recovered");
    return refreshes_.written(changes.refreshes);
  }
  give_back(changes);
  failure_ = Error(Errc::kUnavailable, written.error().what());
  if (!failed_before) logger_.error("store.write_failed", {{"error", written.error().what()}});
}

}  // namespace xylem::registry
