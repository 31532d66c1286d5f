// What a log remembers of its compaction, and when it is worth another run.
//
//   start ........... cleaned to ........... sealed end ........ end
//        one record      not looked at          the active
//        for each key    yet: dirty             segment
//
// Tombstones must outlive every reader that is on its way: `marks` say by when the tombstones below
// an offset had been appended (this node's clock, clamped to grow; never a producer's). Once that
// is `tombstone_retention` ago the horizon moves to the mark and the next run takes them. A mark is
// made by the run that removed what those tombstones delete: whoever starts to read below a horizon
// never meets a record that a missing tombstone should have deleted.
//
// Threads: values.
#pragma once

#include "common/ids.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace xylem::storage {

struct TombstoneMark {
  Offset below;
  std::int64_t appended_ms = 0;

  bool operator==(const TombstoneMark&) const = default;
};

// A segment that is being put in the place of all that begin in [base, end).
struct SegmentSwap {
  Offset base;
  Offset end;
  std::int64_t bytes = 0;  // of the new file

  bool operator==(const SegmentSwap&) const = default;
};

struct CompactionState {
  static constexpr std::size_t kMarksMax = 8;

  Offset cleaned_to;
  CompactionBounds bounds;
  std::vector<TombstoneMark> marks;  // both ascend
  std::optional<SegmentSwap> swap;

  bool operator==(const CompactionState&) const = default;

  // Of the closest two marks the earlier one gives way when there are too many: its tombstones stay
  // longer.
  void add_mark(const TombstoneMark& mark);

  // The log was cut back to `end`.
  void cut_back(Offset end);

  // Records from `from` on come back as the parent has them: what deletes them must stay, and they
  // are to be cleaned.
  void come_back(Offset from);

  // Up to where tombstones may go now; tombstone_horizon when no further. `retention_ms` below 0:
  // they stay.
  [[nodiscard]] Offset horizon_at(std::int64_t now_ms, std::int64_t retention_ms) const;
};

// A sealed segment, as the decision needs it.
struct SealedSegment {
  Offset end;
  std::int64_t bytes = 0;
};

// Whether so much of `sealed` is dirty (in percent of its bytes) that a run is worth it.
[[nodiscard]] bool is_dirty(std::span<const SealedSegment> sealed,
                            Offset cleaned_to,
                            std::int64_t percent_min);

}  // namespace xylem::storage
