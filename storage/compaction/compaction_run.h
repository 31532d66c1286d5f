// One compaction of one log: of each key the last record stays.
//
//   1. Walks the dirty batches and remembers where each key was last (KeyOffsets). When its table
//      is full the run covers the log up to there, and another one the rest.
//   2. Walks all sealed segments up to there and writes them anew: without records that have a
//   later
//      one of their key, and without tombstones below the horizon. Offsets stay. A batch that loses
//      nothing is copied byte for byte; one that loses all goes, unless it is the first of its
//      epoch or the last of its segment: these stay without records, so that the files alone tell
//      the epochs and that no offset was lost.
//   3. Each new segment takes the place of the ones it was made of at once, neighbours being merged
//      while they fit. A segment that would come out as it went in is read and left alone.
//
// What is in batches that cannot be opened is unknown: they stay, and so do all tombstones behind
// the first of them. Records without a key stay.
//
// Threads: the compactor's. Memory: the table, a few MiB, one batch unpacked and packed again.
// Errors: kCancelled: the target does not want it now; kCorrupt: a segment is to be looked at.
#pragma once

#include "common/batch/record.h"
#include "common/result.h"
#include "storage/compaction/batch_filter.h"
#include "storage/compaction/compaction_state.h"
#include "storage/compaction/key_offsets.h"
#include "storage/compaction/segment_builder.h"
#include "storage/compaction/segment_source.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

// The log, as a run sees it.
class CompactionTarget {
 public:
  virtual ~CompactionTarget() = default;

  // False: not now (the log is closed, paused or fenced, or was cut back since).
  [[nodiscard]] virtual bool goes_on() = 0;

  // Changes the state, durably.
  virtual Status change(const std::function<void(CompactionState&)>& how) = 0;

  // Puts `made`, whose file is at `path`, in the place of `old`; after an error the old ones are in
  // place, and it takes care of the file. kCancelled: the old ones are no longer the log's.
  virtual Status swap(const SegmentList& old,
                      const std::shared_ptr<Segment>& made,
                      const std::string& path) = 0;
};

struct CompactionTask {
  std::vector<SealedFacts> sealed;  // ascending
  CompactionState state;
  Offset horizon;  // tombstones below it go; at most cleaned_to
  std::int64_t segment_bytes_max = 0;
  std::size_t key_bytes_max = 0;
};

struct CompactionReport {
  Offset covered;        // dirty no longer below this
  bool is_whole = true;  // all that was dirty is covered
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;
  std::int64_t removed_records = 0;
  std::int64_t opaque_batches = 0;
  std::int64_t segments_before = 0;  // of those that were replaced
  std::int64_t segments_after = 0;
  std::int64_t keys = 0;
};

class CompactionRun {
 public:
  CompactionRun(Disk& disk,
                const std::string& directory,
                CompactionTarget& target,
                CompactionPace& pace,
                const CompactionTask& task);

  Status run();

  [[nodiscard]] const CompactionReport& report() const { return report_; }

 private:
  Result<std::unique_ptr<SegmentSource>> open(const SealedFacts& sealed);
  Status learn_keys();
  Status learn_keys_of(const SealedFacts& sealed);
  Status rewrite_all();
  Status take(const SealedFacts& sealed);
  Status take_first(const SealedFacts& sealed);
  Result<bool> loses_something(const SealedFacts& sealed);
  Status begin_output(const SealedFacts& sealed);
  Status rewrite(const SealedFacts& sealed);
  Status rewrite(const SegmentSource::Batch& batch);
  FilteredBatch filtered(const SegmentSource::Batch& batch);
  Status put_in_place();
  Status note_result();
  [[nodiscard]] bool keeps(const RecordView& record);
  [[nodiscard]] bool can_merge(Offset base, std::int64_t bytes, const SealedFacts& next) const;
  [[nodiscard]] Offset end_of_work() const;

  Disk& disk_;
  std::string directory_;
  CompactionTarget& target_;
  CompactionPace& pace_;
  const CompactionTask& task_;
  CompactionReport report_;
  KeyOffsets keys_;
  Offset touched_end_;  // where the last batch ends that this run may change
  Offset opaque_from_;  // nothing is known of what is there and before
  Offset opaque_counted_to_;
  Offset tombstones_end_;  // behind the last tombstone that stayed
  Epoch epoch_ = kNoEpoch;
  std::unique_ptr<SegmentBuilder> output_;
  SegmentList inputs_;                     // of output_
  const Segment* proven_ = nullptr;        // the one that was opened last
  std::optional<SealedFacts> left_alone_;  // the one before, which loses nothing
  Epoch left_alone_after_ = kNoEpoch;      // epoch_ before it
};

}  // namespace xylem::storage
