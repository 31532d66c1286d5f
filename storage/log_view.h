// What readers of a log with files see: one immutable picture, replaced as a whole, and two ends
// that move inside it.
//
// A reader takes the picture, then the written end, and uses nothing else: segments below, the tail
// in memory above. A cut back makes new ends, so that a reader of the old history never meets bytes
// of the new one.
//
// Threads: load and the functions over a picture: any; the rest: the writer's loop and the
// committer, which agree by the lock inside.
#pragma once

#include "storage/published.h"
#include "storage/segment/mapped_segments.h"
#include "storage/segment/segment.h"
#include "storage/tail.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace xylem::storage {

struct LogEnds {
  std::atomic<Offset> written;
  std::atomic<Offset> synced;
};

struct LogPicture {
  std::shared_ptr<LogEnds> ends;
  Offset start;
  std::shared_ptr<const SegmentList> segments;  // never null
  std::shared_ptr<const BlockList> blocks;      // never null
  std::vector<OffsetRange> lost;
  // Per sealed segment behind the one that holds `start`: the latest timestamp in it and in those
  // before it, which grows along the log in whatever order records were stamped. Never null.
  std::shared_ptr<const std::vector<std::int64_t>> latest_ms;

  [[nodiscard]] Offset written() const { return ends->written.load(std::memory_order_acquire); }
};

class LogView {
 public:
  // Segments count their mappings in `mapped`; null: nobody bounds them.
  explicit LogView(MappedSegments* mapped = nullptr);

  [[nodiscard]] std::shared_ptr<const LogPicture> load() const { return picture_.load(); }

  void set_blocks(const BlockList& blocks);
  void set_segments(const SegmentList& segments);
  void set_start(Offset start);

  // The same, but above the written end there will be other batches than `blocks` held before.
  void replace_unwritten(const BlockList& blocks);

  struct Ends {
    Offset written;
    Offset synced;
  };

  // Another history from here on.
  void restart(Offset start,
               const Ends& ends,
               const SegmentList& segments,
               const BlockList& blocks);

 private:
  MappedSegments* mapped_;
  std::mutex mutex_;
  Published<LogPicture> picture_;
};

// What is missing from `start` on: a segment begins where the one before it ended, or so far beyond
// that no index could have reached there.
std::vector<OffsetRange> lost_ranges(const SegmentList& segments, Offset start);

// The contracts are PartitionLog's. `range.below` is at most the picture's written end.
Result<ReadResult> read_picture(const LogPicture& picture, const ReadRange& range);
Result<std::optional<LastBatch>> find_last(const LogPicture& picture, Offset offset);

// Whether reading `range`, and finding the batch before it, would not wait for the disk.
[[nodiscard]] bool is_warm(const LogPicture& picture, const ReadRange& range);

// Waits for the disk until it is so. kCorrupt, kNotFound: as read_picture.
Status warm_up(const LogPicture& picture, const ReadRange& range);
Result<Offset> find_time(const LogPicture& picture, std::int64_t timestamp_ms);

}  // namespace xylem::storage
