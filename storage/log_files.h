// The files of one log: rolling, sealing, syncing, cutting back, dropping, filling what was lost.
//
// Threads: one at a time: whoever holds the log's commit mutex (the committer in its round, the
// salvager to put a copy in place, the writer's loop for everything else). Errors: kDiskFull from
// write() leaves what did not fit in the queue; any other failed write or sync must fence the log.
#pragma once

#include "common/clock.h"
#include "common/result.h"
#include "storage/log_view.h"
#include "storage/recovery.h"
#include "storage/segment/segment_writer.h"
#include "storage/synced_file.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

// What comes back of a lost range: `batches` are all there are in `range`.
struct LostPart {
  OffsetRange range;
  std::deque<PlacedBatch> batches;
};

class LogFiles {
 public:
  LogFiles(const RecoveryContext& context, const Clock& clock, LogView& view);

  // Opens what is there and publishes it.
  Result<RecoveredLog> recover();

  struct WriteOptions {
    std::int64_t segment_bytes_max = 0;
    bool zero_fill = false;
  };

  // Writes and publishes from the front of `waiting`, and takes off what it wrote.
  Status write(std::deque<PlacedBatch>& waiting, const WriteOptions& options);

  // Whether that many bytes, which end with that batch, can be written without a look at the disk's
  // room: into the segment that is being written, as far as it is allocated.
  [[nodiscard]] bool has_room_ahead(const BatchPlace& last,
                                    std::int64_t bytes,
                                    std::int64_t segment_bytes_max);

  // Allocates what such a batch would need.
  Status make_room(const BatchPlace& place, const WriteOptions& options);
  Status sync();

  // A segment between others is being written.
  [[nodiscard]] bool is_filling() const noexcept { return filler_ != nullptr; }

  [[nodiscard]] bool is_dirty() const { return dirty_; }

  // Keeps the synced bound on disk within about a second of the truth. When to come again.
  std::optional<std::int64_t> note_synced(std::int64_t now_us);

  // What the cut back to `offset` needs room for. kDiskFull: nothing has changed. kCorrupt: a
  // segment is suspect now; once it is set aside, again.
  Status prepare_cut(Offset offset);

  // As PartitionLog, after prepare_cut. The caller publishes the tail; the answer is where the log
  // ends now.
  Result<Offset> cut_back(Offset offset, const BlockList& blocks);
  Status drop_before(Offset offset, const BlockList& blocks);

  // Writes a part of a lost range into a segment between its neighbours and publishes it; takes off
  // what it wrote. What is not lost any more is passed over. The last part of a range syncs it.
  Status fill(LostPart& part, std::int64_t segment_bytes_max);

  // Sets aside a segment that failed a check while it was read. kDiskFull, and the segment is not
  // retired: nothing has changed, try again.
  Status quarantine(const Segment& damaged);

  // The same in two steps, for who may not wait for the copy: no suspect is written to after the
  // first (that is quick), so it can be salvaged without the commit mutex.
  Status seal_suspects();
  Status replace(const Segment& damaged, const SalvagedSegment& good);
  Status close();

  // `old` are sealed neighbours of this log.
  [[nodiscard]] bool has_sealed(const SegmentList& old) const;

  // Publishes `fresh` in their place; the files are the caller's.
  void exchange(const SegmentList& old, const SegmentList& fresh);

  [[nodiscard]] const SegmentList& segments() const { return segments_; }

 private:
  Status writer_for(const BatchPlace& place, const WriteOptions& options);
  Status begin_segment(Offset base);
  Status make_directory();
  Status write_part(LostPart& part, std::int64_t segment_bytes_max);
  Status begin_filler(Offset base);
  Status finish_filler();
  Status close_range(Offset end);
  [[nodiscard]] SegmentList::iterator above(Offset offset);
  [[nodiscard]] SegmentList::const_iterator find(const Segment& wanted) const;
  Status seal();

  struct Cut {
    std::size_t kept = 0;                      // segments
    std::optional<std::int64_t> copied_bytes;  // of the last of them; nullopt: it stays as it is
  };

  [[nodiscard]] bool is_unwritten(Offset offset) const;
  [[nodiscard]] Result<Cut> cut_at(Offset offset) const;
  Status copy_prefix(Segment& segment, std::int64_t bytes);
  Status put_prefix_in_place(std::size_t index);
  Status remove_segments(std::size_t first, std::size_t last);
  void publish_synced();
  [[nodiscard]] SyncedBound bound() const;

  RecoveryContext context_;
  const Clock& clock_;
  LogView& view_;
  SyncedFile synced_file_;
  SegmentList segments_;
  std::unique_ptr<SegmentWriter> writer_;  // of the last segment; null: not opened for writing yet
  std::unique_ptr<SegmentWriter> filler_;  // of the segment that a lost range comes back into
  Offset end_;                             // of what is written
  Offset noted_synced_;                    // what synced_file_ says
  std::int64_t noted_at_us_ = 0;
  bool dirty_ = false;
  bool has_directory_ = false;
};

}  // namespace xylem::storage
