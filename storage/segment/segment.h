// One file of a log, as readers see it: any number of threads, no locks.
//
// What is published (bytes, end) only grows. Readers map what is published when they first get
// here and again when they have come to the end of that; a mapping never passes the published end,
// and slices keep theirs alive. A reader that may not wait for the disk asks is_warm() first.
// Indexes of a restored segment are loaded at the first read; where they are missing or wrong, the
// segment is walked instead.
//
// Threads: wrote, cover, set_open, prepare_to_write, drop_time_index, facts, encoded_*: the
// segment's writer; the rest: any.
// Errors: kCorrupt: bytes fail their check, nothing bad is handed out; kNotFound: the segment was
// retired before it was mapped, look at the log's new list.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "storage/partition_log.h"
#include "storage/published.h"
#include "storage/segment/batch_run.h"
#include "storage/segment/chunk_checks.h"
#include "storage/segment/index_file.h"
#include "storage/segment/mapped_segments.h"
#include "storage/segment/sparse_index.h"
#include "storage/segment/time_index.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xylem::storage {

class Disk;

// A batch on its way into a segment.
struct PlacedBatch {
  Slice slice;
  BatchPlace place;
};

class Segment : public std::enable_shared_from_this<Segment> {
 public:
  // A new, empty one; it has no file yet.
  Segment(Disk& disk, const std::string& directory, Offset base);

  // One whose file holds what `facts` say; its bytes are proven as they are read.
  Segment(Disk& disk, const std::string& directory, const SegmentFacts& facts);

  [[nodiscard]] Offset base() const noexcept { return base_; }

  [[nodiscard]] Offset end() const noexcept { return end_.load(std::memory_order_acquire); }

  [[nodiscard]] std::int64_t bytes() const noexcept {
    return bytes_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::int64_t max_timestamp_ms() const noexcept {
    return max_timestamp_ms_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::int64_t appended_ms() const noexcept {
    return appended_ms_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::string path(std::string_view suffix) const;

  // Adds to `out` what this segment holds of `range`, whose bytes_max counts from out.bytes.
  Status read(const ReadRange& range, ReadResult& out) const;

  // At least so much of it is at or above `offset`.
  [[nodiscard]] std::int64_t bytes_above(Offset offset) const;

  // Whether read() of `range`, and last_below() of its start, find everything in memory.
  [[nodiscard]] bool is_warm(const ReadRange& range) const;

  // Waits for the disk until it is so, and reads ahead. kCorrupt: also what the disk cannot read.
  Status warm_up(const ReadRange& range) const;

  // Where the first batch at or above `offset` starts; bytes() when there is none.
  Result<std::int64_t> position_of(Offset offset) const;
  Result<std::optional<LastBatch>> last_below(Offset offset) const;
  Result<std::optional<Offset>> find_time(std::int64_t timestamp_ms, const ReadRange& range) const;

  // Its file is about to be renamed, replaced or removed: no new mappings.
  void retire() noexcept { retired_.store(true); }

  // Counts its mapping from now on. Before readers see it.
  void count_in(MappedSegments* mapped) {
    if (counted_in_ == nullptr) counted_in_ = mapped;
  }

  // True: it is not mapped now; false: it was read since the last call.
  bool unmap_unless_used() const;

  [[nodiscard]] bool is_retired() const noexcept { return retired_.load(); }

  // A read found bytes that fail their check.
  [[nodiscard]] bool is_suspect() const noexcept { return suspect_.load(); }

  // Somebody else did.
  void suspect() const noexcept { suspect_.store(true); }

  // Publishes batches that are in the file now.
  void wrote(std::span<const PlacedBatch> batches, std::int64_t now_ms);

  // There is nothing between its last batch and `end`, and never will be. Its index keeps that.
  void cover(Offset end) noexcept { end_.store(end, std::memory_order_release); }

  // Whether a writer has it.
  void set_open(bool open) noexcept { open_.store(open); }

  [[nodiscard]] bool is_open() const noexcept { return open_.load(); }

  // Before the first write to a restored segment: brings its indexes into memory.
  Status prepare_to_write();

  // Frees the index that only lookups by time need; they load it from its file from now on. No
  // writes before prepare_to_write.
  void drop_time_index() {
    times_.store(nullptr);
    writable_times_.reset();
  }

  [[nodiscard]] SegmentFacts facts() const;
  Result<Buffer> encoded_index() const;
  Result<Buffer> encoded_time_index() const;

 private:
  [[nodiscard]] Result<Slice> mapping(std::int64_t bytes_min) const;
  Result<std::shared_ptr<const SparseIndex>> index() const;
  std::shared_ptr<const TimeIndex> times() const;
  Result<std::shared_ptr<SparseIndex>> walk() const;
  void add_epoch(Epoch epoch, Offset start);

  // The published bytes, mapped.
  struct Window {
    Slice mapped;
    BatchRun run;
  };

  // At least `bytes_min` of them; without it, all.
  [[nodiscard]] Result<Window> window(std::int64_t bytes_min) const;
  [[nodiscard]] Result<Window> window() const;
  std::unexpected<Error> failed(Error error) const;

  Disk& disk_;
  std::string stem_;  // path without a suffix
  Offset base_;
  std::atomic<Offset> end_;
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::int64_t> max_timestamp_ms_{-1};
  std::atomic<std::int64_t> appended_ms_{0};
  std::atomic<bool> retired_{false};
  std::atomic<bool> open_{false};
  mutable std::atomic<bool> suspect_{false};
  mutable std::atomic<bool> used_{false};  // since MappedSegments last looked
  MappedSegments* counted_in_ = nullptr;
  ChunkChecks checks_;
  std::vector<EpochStart> epochs_;               // the writer's
  std::shared_ptr<SparseIndex> writable_index_;  // the writer's; null until prepare_to_write
  std::shared_ptr<TimeIndex> writable_times_;    // as above
  mutable Published<SparseIndex> index_;         // null: not loaded
  mutable Published<TimeIndex> times_;           // null: not loaded
  mutable Published<Slice> mapping_;             // null: not mapped
};

using SegmentList = std::vector<std::shared_ptr<Segment>>;

}  // namespace xylem::storage
