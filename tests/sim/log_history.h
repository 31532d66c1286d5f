// What one log was told and what it promised, and whether what a restart found agrees.
//
// After a crash a log must hold a prefix of what it took, at least up to what it acknowledged, and
// nothing else. What was under way when the process died (a cut, a drop, a removal) may have
// happened or not.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::sim {

struct HistoryBatch {
  Offset base;
  Offset next;
  Epoch epoch;
  Buffer bytes;
  bool is_rotten = false;  // its bytes on disk were changed: it may be gone, but never silently
};

// What a reader finds.
struct Observed {
  Offset start;
  Offset end;
  std::vector<Buffer> batches;
  std::vector<storage::OffsetRange> lost;
};

class LogHistory {
 public:
  // Taken by the log: it may be there from now on.
  void appended(Buffer placed);

  // The log said so.
  void acknowledged(Offset synced, Offset written);

  // begin_* before the call, done() after it succeeded; a call that failed leaves it open.
  void begin_cut(Offset offset);
  void begin_drop(Offset lowest, Offset highest);
  void begin_remove();
  void done(Offset start, Offset end);

  // It failed and had promised that nothing happened.
  void not_begun() { under_way_.reset(); }

  // The batch of which a byte at `position` behind the start of the segment at `base` is.
  void rot(Offset segment, std::int64_t position);

  [[nodiscard]] Offset start() const { return start_; }

  [[nodiscard]] Offset end() const { return end_; }

  [[nodiscard]] Epoch epoch() const { return batches_.empty() ? Epoch(0) : batches_.back().epoch; }

  // Empty: `seen` is what it may be. `written_survives`: only the process had died.
  [[nodiscard]] std::string check(const Observed& seen, bool written_survives) const;

  // Whatever it may lack, it has nothing else.
  [[nodiscard]] std::string check_serves(const Observed& seen) const;

  // A running log: everything is there.
  [[nodiscard]] std::string check_all(const Observed& seen) const;

  // What was found is the truth from now on.
  void restart(const Observed& seen);

 private:
  enum class What : std::uint8_t { kCut, kDrop, kRemove };

  struct UnderWay {
    What what;
    Offset lowest;
    Offset highest;
  };

  struct Need {
    Offset acknowledged;
    Offset kept_from;  // batches that end at or below it may be gone
  };

  [[nodiscard]] std::string find_wrong(const Observed& seen, bool written_survives) const;
  [[nodiscard]] Need need(bool written_survives) const;
  [[nodiscard]] bool may_start_at(Offset start) const;
  [[nodiscard]] std::string check_content(const Observed& seen, const Need& need) const;
  [[nodiscard]] bool only_rot_is_lost(const Observed& seen) const;

  std::vector<HistoryBatch> batches_;
  Offset start_;
  Offset end_;
  Offset synced_;
  Offset written_;
  std::optional<UnderWay> under_way_;
};

}  // namespace xylem::sim
