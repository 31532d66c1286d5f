#include "storage/segment/sparse_index.h"

#include "common/check.h"

#include <utility>

namespace xylem::storage {

void SparseIndex::add(Offset base_offset, std::size_t position) {
  const auto count = entries_.size();
  if (count > 0 && position / kIndexStepBytes == entries_[count - 1].position / kIndexStepBytes)
    return;
  XYLEM_CHECK(fits_index(base_, base_offset) && std::cmp_less_equal(position, kPositionMax));
  const auto relative = base_offset - base_;
  entries_.push_back({static_cast<std::uint32_t>(relative), static_cast<std::uint32_t>(position)});
}

bool SparseIndex::restore(IndexEntry entry) {
  if (const auto count = entries_.size(); count > 0) {
    const auto& last = entries_[count - 1];
    if (entry.offset <= last.offset || entry.position <= last.position) return false;
  }
  entries_.push_back(entry);
  return true;
}

std::size_t SparseIndex::floor(Offset offset) const {
  const auto relative = offset - base_;
  std::size_t low = 0;
  std::size_t high = entries_.size();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (entries_[middle].offset <= relative)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? entries_.size() : low - 1;
}

std::size_t SparseIndex::position_below(Offset offset) const {
  const auto at = floor(offset);
  return at < entries_.size() ? entries_[at].position : 0;
}

}  // namespace xylem::storage
