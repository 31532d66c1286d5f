// The compaction state of one log: kept in its file, and published to readers.
//
// A swap puts one new segment in the place of several old ones, in steps that a crash may cut off
// anywhere: the swap is noted, the new file takes the name of the first old one, the other old ones
// go, the note goes. open() finishes what was renamed and undoes what was not.
//
// Threads: state(): any; the rest: one at a time (the log's shape mutex).
#pragma once

#include "common/logger.h"
#include "common/result.h"
#include "storage/compaction/compaction_file.h"
#include "storage/compaction/compaction_state.h"
#include "storage/published.h"

#include <memory>
#include <string>
#include <vector>

namespace xylem::storage {

class Disk;

class LogCompaction {
 public:
  LogCompaction(Disk& disk, Logger& logger, const std::string& directory);

  // Before the log's segments are looked at.
  Status open();

  // After that. What could not be read is taken for compacted, to the log's end.
  void settle(Offset end);

  [[nodiscard]] std::shared_ptr<const CompactionState> state() const { return state_.load(); }

  // Durable and published on return; unchanged after an error.
  Status store(CompactionState state);

 private:
  Status finish(const SegmentSwap& swap);
  Status remove_unfinished(const std::vector<std::string>& names);
  Result<bool> was_renamed(const SegmentSwap& swap);

  Disk& disk_;
  Logger& logger_;
  std::string directory_;
  CompactionFile file_;
  bool is_unreadable_ = false;
  bool is_known_ = true;  // what the file says: a store that fails may have written all the same
  Published<CompactionState> state_;
};

}  // namespace xylem::storage
