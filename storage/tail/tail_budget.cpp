#include "storage/tail/tail_budget.h"

namespace xylem::storage {

void TailBudget::touch(TailHolder& log) {
  forget(log);
  entries_[&log] = {0, oldest_first_.insert(oldest_first_.end(), &log)};
  set_bytes(log);
  while (bytes_ > kAllMax && oldest_first_.front() != &log) {
    auto& oldest = *oldest_first_.front();
    oldest.give_up_tail();
    set_bytes(oldest);
    if (oldest.tail_bytes() == 0)
      forget(oldest);
    else  // it waits for the disk: not its turn
      oldest_first_.splice(oldest_first_.end(), oldest_first_, oldest_first_.begin());
    if (oldest_first_.back() == &oldest) break;
  }
}

void TailBudget::forget(TailHolder& log) {
  const auto found = entries_.find(&log);
  if (found == entries_.end()) return;
  bytes_ -= found->second.bytes;
  oldest_first_.erase(found->second.place);
  entries_.erase(found);
}

void TailBudget::set_bytes(TailHolder& log) {
  auto& entry = entries_.at(&log);
  bytes_ += log.tail_bytes() - entry.bytes;
  entry.bytes = log.tail_bytes();
}

}  // namespace xylem::storage
