// Where in a segment to start looking for a timestamp: at most one entry per 4 KiB of log.
//
// An entry says how late the latest record before a position is. That grows along the log, and an
// entry is made for the 4 KiB in which it does: so the last entry below the wanted time is at most
// that far from the record, whatever order records were stamped in.
// Threads: add, restore: one writer; the rest: any.
#pragma once

#include "storage/segment/growing_array.h"

#include <cstddef>
#include <cstdint>

namespace xylem::storage {

struct TimeEntry {
  std::int64_t latest_before_ms = 0;  // of all batches below `position`
  std::uint32_t position = 0;
};

class TimeIndex {
 public:
  // Called for every batch in order.
  void add(std::size_t position, std::int64_t max_timestamp_ms);

  // Takes an entry as it was stored. False: it does not follow the one before.
  bool restore(TimeEntry entry);

  // No batch below this position has a record at or after `timestamp_ms`.
  [[nodiscard]] std::size_t position_for(std::int64_t timestamp_ms) const;

  // Of every batch so far; restored ones count once they are told here.
  void reach(std::int64_t max_timestamp_ms);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  [[nodiscard]] const TimeEntry& operator[](std::size_t i) const { return entries_[i]; }

 private:
  GrowingArray<TimeEntry> entries_;
  std::int64_t latest_ms_ = -1;
  std::size_t step_position_ = 0;  // of the first batch in the 4 KiB that are being added to
};

}  // namespace xylem::storage
