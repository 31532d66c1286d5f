// A log with files: the writer's loop puts batches into the tail, the committer writes and syncs
// them, readers map what is written.
//
// Two sides meet in one queue. The loop's side owns the order and the tail; the files' side, under
// the commit mutex, owns everything on disk. The loop takes that mutex only for what must be done
// before it returns: cutting back, dropping, sealing a damaged segment, closing.
//
// Compaction works on sealed files without that mutex. What changes which files there are, but for
// new ones at the end, takes the shape mutex first: so the compactor can put a segment in the place
// of others, syncs included, and the committer waits only while the list is exchanged. The
// salvager copies what is good in a damaged one in the same way, and holds both mutexes only while
// that copy is put in place.
//
// Threads: as PartitionLog; write_waiting and sync_due: the committer's; compact: the compactor's;
// salvage_suspects: the salvager's.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "storage/append_order.h"
#include "storage/background_worker.h"
#include "storage/cold_readers.h"
#include "storage/committer.h"
#include "storage/compaction/compaction_run.h"
#include "storage/compaction/compactor.h"
#include "storage/compaction/log_compaction.h"
#include "storage/log_files.h"
#include "storage/log_health.h"
#include "storage/log_view.h"
#include "storage/partition_log.h"
#include "storage/repair/scrubber.h"
#include "storage/retention.h"
#include "storage/segment/mapped_segments.h"
#include "storage/segment_catalog.h"
#include "storage/storage_metrics.h"
#include "storage/tail.h"
#include "storage/tail/tail_budget.h"

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::storage {

// What the logs of one engine share.
struct LogContext {
  Loop& loop;
  Disk& disk;
  const Clock& clock;
  Logger& logger;
  StorageMetrics metrics;
  SegmentCatalog catalog;
  TailBudget tails;
  MappedSegments mapped;
  std::shared_ptr<BlockPool> blocks;
  std::atomic<std::size_t> waiting_bytes{0};  // appended, not yet written
  std::shared_ptr<bool> open;                 // the loop's; false: this is about to go
  // Last: their threads use the rest.
  Committer committer;
  ColdReaders cold_readers;
  Compactor compactor;
  Scrubber scrubber;
  BackgroundWorker salvager;
};

class MmapLog final : public PartitionLog,
                      public Committed,
                      public TailHolder,
                      public Compacted,
                      private CompactionTarget,
                      public Scrubbed,
                      public std::enable_shared_from_this<MmapLog> {
 public:
  static constexpr std::size_t kWaitingMax = 64ULL * 1024 * 1024;  // bytes, of all logs together
  static constexpr std::size_t kQuickBytesMax = 64ULL * 1024;      // that the loop writes itself
  static constexpr std::size_t kWarmingMax = 64;  // places of a log brought in at one time

  static Result<std::shared_ptr<MmapLog>> open(const LogName& name,
                                               const LogOptions& options,
                                               const std::string& directory,
                                               LogContext& context);

  ~MmapLog() override;
  MmapLog(const MmapLog&) = delete;
  MmapLog& operator=(const MmapLog&) = delete;

  [[nodiscard]] const LogName& name() const override { return name_; }

  Result<Offset> append(Bytes batch, Epoch epoch) override;
  Status append_as_is(Bytes batches) override;
  [[nodiscard]] std::optional<OffsetRange> to_fill() const override;
  Status fill(Bytes batches, Offset end) override;
  Status cut_back(Offset offset) override;
  Status give_up_unwritten() override;
  Status drop_before(Offset offset) override;
  Status retain() override;

  void set_final_below(Offset offset) override { final_below_.store(offset); }

  Status inherit_compaction(const CompactionBounds& bounds) override;

  [[nodiscard]] CompactionBounds compaction() const override { return compaction_.state()->bounds; }

  [[nodiscard]] std::shared_ptr<void> pause_compaction() override;
  void set_options(const LogOptions& options) override;
  void set_listener(Listener listener) override;

  void set_tells_written(bool tells) override { tells_written_ = tells; }

  [[nodiscard]] Offset start_offset() const override { return view_.load()->start; }

  [[nodiscard]] Offset end_offset() const override { return order_.end(); }

  [[nodiscard]] Offset written_end() const override { return view_.load()->written(); }

  [[nodiscard]] Offset synced_end() const override;
  [[nodiscard]] Offset durable_end() const override;
  [[nodiscard]] std::int64_t bytes() const override;

  [[nodiscard]] Status health() const override;

  [[nodiscard]] Status writable() const override { return health_.writable(); }

  [[nodiscard]] std::vector<OffsetRange> lost() const override { return view_.load()->lost; }

  [[nodiscard]] bool has_lost() const override { return !view_.load()->lost.empty(); }

  Result<ReadResult> read(Offset from, std::size_t bytes_max, Offset below) const override;
  Result<bool> warm_up(Offset from, std::size_t bytes_max) override;

  [[nodiscard]] std::uint64_t brought_in() const override { return brought_in_; }

  Result<Offset> offset_for_time(std::int64_t timestamp_ms) const override;
  Result<std::optional<LastBatch>> last_batch_below(Offset offset) const override;
  [[nodiscard]] std::vector<EpochStart> epochs() const override;
  [[nodiscard]] std::vector<SegmentInfo> segments() const override;
  Status close() override;

  // Closes without writing: its files are about to go.
  Status retire();

  // Closes; its files are about to get another name. What could not be written or synced stays an
  // error when it is asked for again: the next start proves how much there is.
  Status hand_over();

  void write_waiting() override;
  QuickWrite write_quickly() override;
  [[nodiscard]] bool is_sync_due(std::int64_t now_us) override;
  [[nodiscard]] bool is_news_before_sync() override;
  Outcome sync_due(std::int64_t now_us) override;
  void committed() override;

  void compact(CompactionPace& pace) override;

  [[nodiscard]] const std::string& directory() const override { return directory_; }

  [[nodiscard]] SegmentList sealed() const override;
  void found_bad(const std::shared_ptr<Segment>& segment, const Error& error) override;
  void mend(const std::shared_ptr<Segment>& segment, const Indexes& indexes) override;

  void give_up_tail() override;
  [[nodiscard]] std::size_t tail_bytes() const override;

 private:
  MmapLog(const LogName& name,
          const LogOptions& options,
          const std::string& directory,
          LogContext& context);

  Status recover();
  [[nodiscard]] std::optional<std::int64_t> sync_at(std::int64_t now_us) const;
  Status check_writable() const;
  Status check_room(std::size_t bytes) const;
  void queue(Bytes batch, const BatchPlace& place);
  void take_queue();
  [[nodiscard]] bool is_quick_to_write();
  Status write_all(bool zero_fill);
  void settle_write(const Status& wrote);
  Status write_fills();
  void forget_fills();
  void drop_fills();
  void drop_what_waits();
  void stop();
  void tell_catalog();
  void drop_waiting(Offset from);
  void fence(const Error& error, std::string_view doing);
  void shrink_tail(std::size_t bytes_kept);
  void look_at(const Error& error) const;
  void bring_in(Offset from, std::size_t bytes_max);
  void report_lost(std::int64_t offsets_known) const;
  void repair();
  void salvage_suspects();
  void salvage(const std::shared_ptr<Segment>& segment);
  Status replace(const Segment& damaged, const SalvagedSegment& good);
  void not_quarantined(const Segment& damaged, const Error& error);
  std::optional<std::int64_t> repair_at(std::int64_t now_us);
  void repaired();
  void set_suspects_aside();
  Status drop_segments_before(Offset offset);
  Status drop_expired();
  void ask_for_compaction();
  [[nodiscard]] std::optional<CompactionTask> compaction_task();
  Status run_compaction(CompactionPace& pace);
  bool goes_on() override;
  Status change(const std::function<void(CompactionState&)>& how) override;
  Status swap(const SegmentList& old,
              const std::shared_ptr<Segment>& made,
              const std::string& path) override;
  [[nodiscard]] bool is_wanted();
  [[nodiscard]] bool has_sealed(const SegmentList& old);
  Status store_compaction(const std::function<void(CompactionState&)>& how);
  Status prepare_swap(const Segment& first);
  Status rename_into_place(const SegmentList& old,
                           const std::shared_ptr<Segment>& made,
                           const std::string& path);
  Status remove_replaced(const SegmentList& old);
  void forget_compacted(Offset end);
  void tell_of_compaction(const CompactionReport& report, const Status& done) const;

  template <class Find>
  auto on_picture(const Find& find) const;

  struct Warmed {
    Status done;
    std::size_t bytes_max = 0;  // that it was asked for
  };

  LogName name_;
  std::string directory_;
  Loop& loop_;  // also for what the committer posted before the engine, and its context, went
  LogContext& context_;
  LogView view_;
  LogHealth health_;
  std::atomic<Flush> flush_;
  std::atomic<Offset> final_below_{kOffsetMax};
  std::atomic<bool> tells_written_{false};

  // The loop's.
  LogOptions options_ XYLEM_ON_LOOP(loop_);
  AppendOrder order_;
  Tail tail_ XYLEM_ON_LOOP(loop_);
  TrustedClock trusted_clock_ XYLEM_ON_LOOP(loop_);
  Listener listener_ XYLEM_ON_LOOP(loop_);
  std::shared_ptr<const SegmentList> catalogued_ XYLEM_ON_LOOP(loop_);
  std::set<Offset> warming_ XYLEM_ON_LOOP(loop_);
  std::map<Offset, Warmed> warmed_ XYLEM_ON_LOOP(loop_);  // nobody has asked again yet
  Offset filled_to_ XYLEM_ON_LOOP(loop_);                 // what fill() was given
  std::uint64_t brought_in_ = 0;                          // the loop's
  bool closed_ XYLEM_ON_LOOP(loop_) = false;

  // Taken before the commit mutex by whatever changes which files there are but at the end.
  std::mutex shape_mutex_;
  LogCompaction compaction_;
  std::uint64_t shape_ = 0;  // under shape_mutex_: grows when history changes

  // The compactor's, lent to the loop while `compacting_` is false.
  Offset wanted_horizon_;
  std::uint64_t shape_compacted_ = 0;
  std::atomic<bool> compacting_{false};
  std::atomic<std::int64_t> compact_after_ms_{0};  // monotonic
  std::shared_ptr<std::atomic<int>> compaction_pauses_ = std::make_shared<std::atomic<int>>(0);

  // Where the two sides meet.
  std::mutex queue_mutex_;
  std::vector<PlacedBatch> queue_;  // under queue_mutex_
  std::deque<LostPart> fills_;      // under queue_mutex_
  bool queued_ = false;             // under queue_mutex_: the committer knows

  // The files' side, under commit_mutex_.
  std::mutex commit_mutex_;
  LogFiles files_;
  std::deque<PlacedBatch> waiting_;
  std::deque<LostPart> waiting_fills_;
  std::atomic<std::size_t> unwritten_fills_{0};
  std::int64_t segment_bytes_max_ = 0;
  std::int64_t flush_interval_us_ = 0;
  std::int64_t dirty_since_us_ = 0;
  std::optional<std::int64_t> retry_at_us_;  // the disk was full
  std::optional<BatchPlace> given_up_;       // the first that found no room
  bool moved_ = false;
  bool files_closed_ = false;
  mutable std::atomic<bool> repairing_{false};
  std::atomic<std::int64_t> repair_after_us_{0};  // monotonic; 0: at once
};

}  // namespace xylem::storage
