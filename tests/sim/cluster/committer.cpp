#include "tests/sim/cluster/committer.h"

#include <utility>

namespace xylem::sim {

Committer::Committer(Hosts& hosts,
                     std::size_t host,
                     Random& random,
                     DiskState& disk,
                     std::shared_ptr<ModelLog> log,
                     std::function<void()> moved)
    : hosts_(hosts),
      host_(host),
      random_(random),
      disk_(disk),
      log_(std::move(log)),
      moved_(std::move(moved)) {}

void Committer::wake() {
  if (is_busy_ || log_->is_fenced() || log_->synced_end() == log_->end_offset()) return;
  is_busy_ = true;
  const auto longest_us = static_cast<std::uint64_t>(disk_.sync_us);
  hosts_.after(host_, 200 + static_cast<std::int64_t>(random_.below(longest_us)),
               [this, count = log_->write()] { end(count); });
}

void Committer::end(std::size_t count) {
  is_busy_ = false;
  if (std::exchange(disk_.fails_sync, false))
    log_->fence();
  else
    log_->sync(count);
  moved_();
  wake();
}

}  // namespace xylem::sim
