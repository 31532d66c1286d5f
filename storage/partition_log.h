// The log of one topic partition: what every broker and every consumer-app stores records in.
//
//   start ........ synced ........ written ........ end
//   oldest kept    survives a      readable         next offset to
//   offset         power cut       (published)      be given out
//
// One loop writes; any thread reads. append() checks nothing about content beyond the header (the
// caller ran check_batch), gives the batch its place and returns; a committer thread writes and
// syncs. Each commit round moves `written_end` and `synced_end` and calls the listener once on the
// writer's loop: acknowledgements, high watermarks and delivery all hang on that one call.
//
// After a failed write or sync the log is *fenced*: every append fails with the first error, reads
// go on, and nothing is retried over it. A full disk is not a fence: appends fail with kDiskFull
// until there is room; what was queued before is written then, or given up. The listener is also
// called when the log's health changes and when something was brought in.
//
// Threads: append*, cut_back, drop_before, retain, set_final_below, to_fill, fill, warm_up,
// brought_in, inherit_compaction, pause_compaction, set_*, close: the writer's loop. The rest: any.
#pragma once

#include "common/batch/batch.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

enum class Flush : std::uint8_t { kAlways, kInterval, kNever };
enum class Cleanup : std::uint8_t { kDelete, kCompact };

Result<Flush> flush_of(std::string_view name);  // always|interval|never
[[nodiscard]] std::string_view to_string(Flush flush) noexcept;
Result<Cleanup> cleanup_of(std::string_view name);  // delete|compact
[[nodiscard]] std::string_view to_string(Cleanup cleanup) noexcept;

struct LogOptions {
  Flush flush = Flush::kAlways;
  std::int64_t flush_interval_ms = 50;
  std::size_t segment_bytes_max = 64ULL * 1024 * 1024;
  Cleanup cleanup = Cleanup::kDelete;
  std::int64_t retention_bytes = -1;  // -1: no limit
  std::int64_t retention_ms = -1;     // -1: no limit
  // With kCompact: how long a tombstone stays (-1: for ever), and how much of the sealed segments
  // must be dirty before they are compacted.
  std::int64_t tombstone_retention_ms = 7LL * 24 * 60 * 60 * 1000;
  std::int64_t compaction_dirty_percent = 50;
};

// What compaction, here or where the batches were pulled from, did to a log.
struct CompactionBounds {
  Offset compacted_below;    // batches below it may have been rewritten: their CRCs say nothing
  Offset tombstone_horizon;  // tombstones below it may be gone

  bool operator==(const CompactionBounds&) const = default;
};

// No log gets so far; what claims to is corrupt. Leaves room for sums.
inline constexpr Offset kOffsetMax{std::int64_t{1} << 62};

// What a log is called on disk: <topic>-<topic id>/<partition>.
struct LogName {
  std::string topic;
  LogId id;
};

// Whole batches, in order, each slice holding one or more.
struct ReadResult {
  std::vector<Slice> slices;
  std::size_t bytes = 0;
  Offset next;  // cursor after the last batch; the asked one when there was nothing
};

struct OffsetRange {
  Offset from;
  Offset to;  // the first one after it
};

struct EpochStart {
  Epoch epoch;
  Offset start;
};

// What a reader's handshake says of its last batch (DESIGN section 6).
struct LastBatch {
  Offset base_offset;
  Offset next_offset;
  Epoch epoch = kNoEpoch;
  std::uint32_t crc = 0;
};

struct SegmentInfo {
  Offset base_offset;
  Offset end_offset;
  std::int64_t bytes = 0;
  bool sealed = false;
  std::string path;  // empty in memory
};

class PartitionLog {
 public:
  using Listener = std::function<void()>;

  virtual ~PartitionLog() = default;

  [[nodiscard]] virtual const LogName& name() const = 0;

  // Queues a copy of `batch` with the next offset and `epoch` in it. The answer is its base offset;
  // it is neither readable nor durable before the listener says so.
  // kDiskFull: nothing was queued, try again later. kIo: the log is fenced.
  // kInvalidRequest: not exactly one whole batch, or an epoch below the last one. kUnavailable: too
  // much waits to be written; try again after the listener's next call.
  virtual Result<Offset> append(Bytes batch, Epoch epoch) = 0;

  // Queues batches that already have their offsets and epochs (pulled from a parent). They must
  // start at or above end_offset(); holes are fine. Each batch's CRC is checked: kCorrupt queues
  // nothing.
  virtual Status append_as_is(Bytes batches) = 0;

  // Removes every batch that starts at or above `offset` (also queued ones). On return readers see
  // the shorter log, durably. At or below the start nothing is left: it is empty and starts there.
  // kDiskFull: nothing has changed.
  virtual Status cut_back(Offset offset) = 0;

  // While the disk is full: forgets what was queued and could not be written. end_offset() falls
  // back to written_end().
  virtual Status give_up_unwritten() { return {}; }

  // Removes whole sealed segments below `offset`; start_offset() moves up to `offset` itself, so
  // that readers below get kOffsetOutOfRange. Past the end: the log becomes empty and starts there.
  virtual Status drop_before(Offset offset) = 0;

  // Applies retention once: at most a quarter of the segments per call, never the active one. With
  // kCompact it also has the log compacted, on a thread of its own, where that is due.
  virtual Status retain() = 0;

  // What lies at or above `offset` may still be cut back: retention leaves it, and compaction does
  // not take it for newer values. Until this is called all there is counts as final.
  virtual void set_final_below(Offset /*offset*/) {}

  // What is appended from now on makes these the log's bounds; durable on return. Where there are
  // batches already compacted_below only grows, and the horizon stays above what this log's own
  // compaction took.
  virtual Status inherit_compaction(const CompactionBounds& /*bounds*/) { return {}; }

  // Any thread; never behind what a read hands out.
  [[nodiscard]] virtual CompactionBounds compaction() const { return {}; }

  // While the answer lives, no compaction of this log starts and one that runs gives up before its
  // next step: for whoever reads all of it (a refresh, a replay). Counted.
  [[nodiscard]] virtual std::shared_ptr<void> pause_compaction() { return nullptr; }

  virtual void set_options(const LogOptions& options) = 0;
  virtual void set_listener(Listener listener) = 0;

  // The listener hears of what is written before that is synced, too: followers fetch it meanwhile.
  virtual void set_tells_written(bool /*tells*/) {}

  [[nodiscard]] virtual Offset start_offset() const = 0;
  [[nodiscard]] virtual Offset end_offset() const = 0;
  [[nodiscard]] virtual Offset written_end() const = 0;
  [[nodiscard]] virtual Offset synced_end() const = 0;

  // The end that counts under this log's flush policy: written for kNever, else synced.
  [[nodiscard]] virtual Offset durable_end() const = 0;

  [[nodiscard]] virtual std::int64_t bytes() const = 0;

  // kCorrupt: offsets were lost, which does not stop the log; else as writable().
  [[nodiscard]] virtual Status health() const = 0;

  // What an append would be told: the error that fenced the log, or disk full.
  [[nodiscard]] virtual Status writable() const { return health(); }

  // Offsets that were in corrupt bytes and are no longer here, also after a restart, until they are
  // filled, cut or dropped; reads pass over them as over holes.
  [[nodiscard]] virtual std::vector<OffsetRange> lost() const { return {}; }

  [[nodiscard]] virtual bool has_lost() const { return !lost().empty(); }

  // What the next fill() may put back: the first range of lost(), from where the last one ended.
  // nullopt: nothing is lost, or all of the range is on its way to the disk.
  [[nodiscard]] virtual std::optional<OffsetRange> to_fill() const { return std::nullopt; }

  // Puts back what was lost. `batches`, from a log with the same history, are all there are in
  // [to_fill()->from, end): none at all closes that part as a hole. What is above stays. Queued as
  // an append is; lost() shrinks by the listener's next call. kCorrupt, kInvalidRequest (they do
  // not belong there), kUnavailable, kDiskFull, kIo: nothing was queued.
  virtual Status fill(Bytes /*batches*/, Offset /*end*/) {
    return fail(Errc::kInvalidRequest, "nothing is lost here");
  }

  // Whole batches from the one that holds `from` (or the first above it, where there is a hole),
  // all below `below`, about `bytes_max` bytes but at least one batch. Never blocks on a lock.
  // kOffsetOutOfRange: below start_offset() or above written_end(). kUnavailable: a segment is just
  // being replaced, read again. kCorrupt: a check fails on disk, again after the listener's call.
  [[nodiscard]] virtual Result<ReadResult> read(Offset from,
                                                std::size_t bytes_max,
                                                Offset below) const = 0;

  // For a loop, before read() or last_batch_below(): whether `bytes_max` bytes from `from` on and
  // the batch before are in memory. False: a thread is bringing them in; ask again after the
  // listener's next call that finds brought_in() grown. kCorrupt: as read().
  [[nodiscard]] virtual Result<bool> warm_up(Offset /*from*/, std::size_t /*bytes_max*/) {
    return true;
  }

  [[nodiscard]] virtual std::uint64_t brought_in() const { return 0; }

  // The first offset whose record is at or after `timestamp_ms`; written_end() when there is none.
  // Exact to the batch.
  [[nodiscard]] virtual Result<Offset> offset_for_time(std::int64_t timestamp_ms) const = 0;

  // The last batch that ends at or below `offset`; nullopt: there is none.
  [[nodiscard]] virtual Result<std::optional<LastBatch>> last_batch_below(Offset offset) const = 0;

  // Ascending: where each epoch that has batches in this log began.
  [[nodiscard]] virtual std::vector<EpochStart> epochs() const = 0;

  [[nodiscard]] virtual std::vector<SegmentInfo> segments() const = 0;

  // Writes and syncs what is queued and closes the files. Blocks; no appends after it.
  virtual Status close() = 0;
};

}  // namespace xylem::storage
