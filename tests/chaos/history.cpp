#include "tests/chaos/history.h"

#include "common/check.h"

#include <algorithm>
#include <charconv>

namespace xylem::chaos {

std::uint64_t History::send() {
  fates_.emplace_back();
  return verdict_.sent++;
}

void History::acknowledged(std::uint64_t sequence) {
  auto& fate = fates_.at(sequence);
  XYLEM_CHECK(!fate.is_acknowledged);
  fate.is_acknowledged = true;
  ++verdict_.acknowledged;
}

void History::found(std::int32_t partition, std::string_view value) {
  ++verdict_.found;
  std::uint64_t sequence = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), sequence);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
  if (!is_number || sequence >= fates_.size()) {
    ++verdict_.phantoms;
    return;
  }
  auto& fate = fates_[sequence];
  if (fate.is_found) {
    ++verdict_.duplicates;
    return;
  }
  fate.is_found = true;
  if (fate.is_acknowledged) ++acknowledged_and_found_;
  auto& highest = highest_[partition];
  if (sequence < highest) ++verdict_.reordered;
  highest = std::max(highest, sequence);
}

History::Verdict History::verdict() const {
  auto verdict = verdict_;
  verdict.lost = static_cast<std::uint64_t>(std::ranges::count_if(
      fates_, [](const Fate& fate) { return fate.is_acknowledged && !fate.is_found; }));
  return verdict;
}

}  // namespace xylem::chaos
