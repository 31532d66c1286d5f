#include "pipe/parent_walk.h"

#include <algorithm>
#include <utility>

namespace xylem::pipe {

ParentWalk::ParentWalk(const Options& options, const Clock& clock, Random& random)
    : options_(options), clock_(clock), random_(random) {}

void ParentWalk::set_parents(std::vector<Parent> parents) {
  const std::optional<Parent> before =
      entries_.empty() ? std::nullopt : std::optional(entries_.at(current_).parent);
  std::vector<Entry> entries;
  for (auto& parent : parents) {
    const auto is_it = [&](const Entry& entry) { return entry.parent == parent; };
    if (std::ranges::any_of(entries, is_it)) continue;
    const auto known = std::ranges::find_if(entries_, is_it);
    entries.push_back(known != entries_.end() ? *known : Entry{.parent = std::move(parent)});
  }
  entries_ = std::move(entries);
  probed_ = 0;
  const auto again =
      std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.parent == before; });
  if (is_connected_ && again != entries_.end()) {
    current_ = static_cast<std::size_t>(again - entries_.begin());
    plan_probe();
    return;
  }
  is_connected_ = false;
  choose();
}

const Parent* ParentWalk::current() const {
  return entries_.empty() ? nullptr : &entries_.at(current_).parent;
}

std::int64_t ParentWalk::ask_at_ms() const {
  return entries_.empty() ? 0 : entries_.at(current_).retry_at_ms;
}

void ParentWalk::succeeded() {
  if (entries_.empty()) return;
  auto& entry = entries_.at(current_);
  entry.failures = 0;
  entry.retry_at_ms = 0;
  if (std::exchange(is_connected_, true)) return;
  for (auto& other : entries_) other.up_since_ms.reset();
  probed_ = 0;
  plan_probe();
}

void ParentWalk::failed() {
  if (entries_.empty()) return;
  auto& entry = entries_.at(current_);
  ++entry.failures;
  leave(options_.backoff.delay_ms(entry.failures, random_));
}

void ParentWalk::refused() {
  if (!entries_.empty()) leave(options_.barred_ms);
}

void ParentWalk::is_behind() {
  const std::int64_t now = now_ms();
  const auto* here = current();
  const bool has_other = std::ranges::any_of(entries_, [&](const Entry& entry) {
    return &entry.parent != here && entry.retry_at_ms <= now;
  });
  if (has_other) leave(options_.fail_back_ms);
}

const Parent* ParentWalk::probe() const {
  if (!is_connected_ || current_ == 0) return nullptr;
  return &entries_.at(probed_).parent;
}

bool ParentWalk::probed(bool is_up) {
  if (probe() == nullptr) return false;
  const std::int64_t now = now_ms();
  auto& entry = entries_.at(probed_);
  if (!is_up || now < entry.retry_at_ms)
    entry.up_since_ms.reset();
  else if (!entry.up_since_ms)
    entry.up_since_ms = now;
  probed_ = (probed_ + 1) % current_;
  const auto fail_back_ms = static_cast<std::int64_t>(options_.fail_back_ms);
  for (std::size_t better = 0; better < current_; ++better) {
    const auto since = entries_.at(better).up_since_ms;
    if (!since || now - *since < fail_back_ms) continue;
    entries_.at(better).retry_at_ms = 0;
    entries_.at(better).failures = 0;
    current_ = better;
    is_connected_ = false;
    return true;
  }
  plan_probe();
  return false;
}

// The first whose back-off is over, else the one whose back-off ends first.
void ParentWalk::choose() {
  current_ = 0;
  const std::int64_t now = now_ms();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].retry_at_ms <= now) {
      current_ = i;
      return;
    }
    if (entries_[i].retry_at_ms < entries_[current_].retry_at_ms) current_ = i;
  }
}

void ParentWalk::leave(std::uint64_t for_ms) {
  auto& entry = entries_.at(current_);
  entry.retry_at_ms = now_ms() + static_cast<std::int64_t>(for_ms);
  entry.up_since_ms.reset();
  is_connected_ = false;
  choose();
}

// Ten probes of each better parent within fail_back_ms, a quarter of the pause at random.
void ParentWalk::plan_probe() {
  if (current_ == 0) return;
  const std::uint64_t pause = std::max<std::uint64_t>(options_.fail_back_ms / 10 / current_, 10);
  probe_at_ms_ =
      now_ms() + static_cast<std::int64_t>(pause - pause / 8 + random_.below(pause / 4 + 1));
}

}  // namespace xylem::pipe
