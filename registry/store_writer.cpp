#include "registry/store_writer.h"

#include <utility>

namespace xylem::registry {

StoreWriter::StoreWriter(Loop& loop, RegistryService& service, NodeStore store, Logger& logger)
    : loop_(loop), service_(service), logger_(logger), store_(std::move(store)), gather_(loop) {
  gather_.start(kGatherMs, kGatherMs, [this] { write(); });
}

StoreWriter::~StoreWriter() {
  worker_.reset();
  if (!service_.has_changes()) return;
  if (auto written = store_.apply(service_.take_changes()); !written)
    logger_.error("store.write_failed", {{"error", written.error().what()}});
}

Status StoreWriter::status() const {
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void StoreWriter::write() {
  loop_.check_here();
  if (is_writing_ || !service_.has_changes()) return;
  auto changes = std::make_shared<const RegistryChanges>(service_.take_changes());
  is_writing_ = worker_->submit([this, changes, alive = std::weak_ptr(alive_)] {
    auto written = std::make_shared<const Status>(store_.apply(*changes));
    loop_.answer([this, changes, written, alive] {
      if (alive.lock() != nullptr) finish(*changes, *written);
    });
  });
  if (!is_writing_) service_.give_back(*changes);
}

void StoreWriter::finish(const RegistryChanges& changes, const Status& written) {
  loop_.check_here();
  is_writing_ = false;
  const bool failed_before = failure_.has_value();
  failure_.reset();
  if (written) {
    if (failed_before) logger_.info("store.recovered");
    return;
  }
  service_.give_back(changes);
  failure_ = Error(Errc::kUnavailable, written.error().what());
  if (!failed_before) logger_.error("store.write_failed", {{"error", written.error().what()}});
}

}  // namespace xylem::registry
