// Writes the active segment of a log: preallocation, pwritev, sync, sealing.
//
// Space is allocated ahead of need in steps that double from 64 KiB to 16 MiB. Where every batch
// waits for its sync it is zero-filled too, for a sync of bytes that were written before needs no
// journal commit; not for large writes, which would wait longer for the zeroes than for the
// journal. A full disk therefore shows in reserve(), before anything of the batch is written.
//
// Where batches do not wait for a sync, what is written goes to the disk in steps of 16 MiB all the
// same: else the sync of a whole segment, when it is sealed, would keep all that comes next waiting
// for a second.
//
// Threads: one at a time (the log's commit mutex).
#pragma once

#include "common/result.h"
#include "storage/disk.h"
#include "storage/segment/segment.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace xylem::storage {

class SegmentWriter {
 public:
  static constexpr std::int64_t kStepMin = 64LL * 1024;
  static constexpr std::int64_t kStepMax = 16LL * 1024 * 1024;
  static constexpr std::int64_t kBeginSyncBytes = 16LL * 1024 * 1024;
  static constexpr std::int64_t kZeroFillBelow = 256LL * 1024;  // bytes of one write

  ~SegmentWriter() { segment_->set_open(false); }

  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  // Creates the segment's file, or opens it where it has one.
  static Result<std::unique_ptr<SegmentWriter>> open(Disk& disk, std::shared_ptr<Segment> segment);

  [[nodiscard]] const std::shared_ptr<Segment>& segment() const { return segment_; }

  // Whether a batch belongs into this segment still.
  [[nodiscard]] bool has_room(const BatchPlace& place, std::int64_t behind_bytes) const;

  // Whether so many bytes, the last of them that batch, belong into this segment, are allocated,
  // and do not end where begin_sync() has to do something.
  [[nodiscard]] bool has_room_ahead(const BatchPlace& last, std::int64_t bytes) const;

  // Allocates `bytes` behind what is written. kDiskFull: nothing changed.
  Status reserve(std::int64_t bytes, bool zero_fill);

  // Writes reserved batches and publishes them in the segment.
  Status write(std::span<const PlacedBatch> batches, std::int64_t now_ms);
  Status sync();

  // For logs that are not synced batch by batch: lets the disk begin with what was written.
  void begin_sync();

  // Trims what lies beyond the last batch and syncs. No writes after it.
  Status finish();

  void set_segment_bytes_max(std::int64_t bytes) { segment_bytes_max_ = bytes; }

 private:
  SegmentWriter(std::unique_ptr<File> file,
                std::shared_ptr<Segment> segment,
                std::int64_t allocated);
  Status grow_ahead(std::int64_t needed);
  Status grow_to(std::int64_t bytes);
  Status fill();  // with zeroes, what is allocated

  std::unique_ptr<File> file_;
  std::shared_ptr<Segment> segment_;
  std::int64_t allocated_;
  std::int64_t filled_;  // below it there are bytes or zeroes
  std::int64_t begun_;   // below it the disk was told to write
  std::int64_t segment_bytes_max_ = 0;
  std::int64_t step_ = kStepMin;
};

// Writes the index files of a segment that is whole and synced. They are hints: a failure costs the
// next start a walk over the segment.
Status write_indexes(Disk& disk, const Segment& segment);

}  // namespace xylem::storage
