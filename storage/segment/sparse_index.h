// Where in a run of batches to start looking for an offset: one entry per 4 KiB of log, on the
// heap.
//
// Each entry is the first batch of its 4 KiB; offsets are relative to the run's base. It is a hint
// that bounds a scan, never the truth.
// Threads: add: one writer; the rest: any.
#pragma once

#include "common/ids.h"
#include "storage/segment/growing_array.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace xylem::storage {

inline constexpr std::size_t kIndexStepBytes = 4096;

struct IndexEntry {
  std::uint32_t offset = 0;    // of a batch, relative to the base of the run
  std::uint32_t position = 0;  // of its first byte
};

// What an entry can say; a segment holds nothing beyond.
inline constexpr std::int64_t kPositionMax = std::numeric_limits<std::uint32_t>::max();

[[nodiscard]] inline bool fits_index(Offset base, Offset offset) {
  return offset >= base && offset - base <= std::numeric_limits<std::uint32_t>::max();
}

class SparseIndex {
 public:
  explicit SparseIndex(Offset base) : base_(base) {}

  // Called for every batch in order; keeps what it needs.
  void add(Offset base_offset, std::size_t position);

  // Takes an entry as it was stored. False: it does not follow the one before.
  bool restore(IndexEntry entry);

  // The last entry at or below `offset`, as an index into entries; size() when there is none.
  [[nodiscard]] std::size_t floor(Offset offset) const;

  // Where to start a scan for `offset`.
  [[nodiscard]] std::size_t position_below(Offset offset) const;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  [[nodiscard]] const IndexEntry& operator[](std::size_t i) const { return entries_[i]; }

  [[nodiscard]] Offset base() const noexcept { return base_; }

 private:
  Offset base_;
  GrowingArray<IndexEntry> entries_;
};

}  // namespace xylem::storage
