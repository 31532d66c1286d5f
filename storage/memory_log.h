// A log that lives in memory only: for tests, simulation and brokers whose data may go with them.
//
// Its segments are the blocks of its tail. Appends become readable, and count as synced, when the
// loop gets to announce them: the same order of events as with files.
#pragma once

#include "common/clock.h"
#include "common/loop.h"
#include "storage/append_order.h"
#include "storage/partition_log.h"
#include "storage/published.h"
#include "storage/retention.h"
#include "storage/tail.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

namespace xylem::storage {

class MemoryLog final : public PartitionLog, public std::enable_shared_from_this<MemoryLog> {
 public:
  MemoryLog(LogName name, const LogOptions& options, Loop& loop, const Clock& clock);

  [[nodiscard]] const LogName& name() const override { return name_; }

  void rename(LogName name) { name_ = std::move(name); }

  Result<Offset> append(Bytes batch, Epoch epoch) override;
  Status append_as_is(Bytes batches) override;
  Status cut_back(Offset offset) override;
  Status drop_before(Offset offset) override;
  Status retain() override;

  void set_final_below(Offset offset) override {
    loop_.check_here();
    final_below_ = offset;
  }

  Status inherit_compaction(const CompactionBounds& bounds) override;

  [[nodiscard]] CompactionBounds compaction() const override { return *compaction_.load(); }

  void set_options(const LogOptions& options) override;
  void set_listener(Listener listener) override;

  [[nodiscard]] Offset start_offset() const override { return view_.load()->start; }

  [[nodiscard]] Offset end_offset() const override { return order_.end(); }

  [[nodiscard]] Offset written_end() const override;

  [[nodiscard]] Offset synced_end() const override { return written_end(); }

  [[nodiscard]] Offset durable_end() const override { return written_end(); }

  [[nodiscard]] std::int64_t bytes() const override;

  [[nodiscard]] Status health() const override { return {}; }

  Result<ReadResult> read(Offset from, std::size_t bytes_max, Offset below) const override;
  Result<Offset> offset_for_time(std::int64_t timestamp_ms) const override;
  Result<std::optional<LastBatch>> last_batch_below(Offset offset) const override;
  [[nodiscard]] std::vector<EpochStart> epochs() const override;
  [[nodiscard]] std::vector<SegmentInfo> segments() const override;
  Status close() override;

 private:
  // What readers see. A cut back makes a new `written`, so nobody mixes two histories.
  struct View {
    std::shared_ptr<std::atomic<Offset>> written;
    Offset start;
    BlockList blocks;
  };

  Status announce_later();
  void announce();
  void add(Bytes batch, const BatchPlace& place);
  void publish(Offset start, bool new_history);
  Status check_open() const;

  LogName name_;
  Loop& loop_;
  const Clock& clock_;
  TrustedClock trusted_clock_;
  LogOptions options_ XYLEM_ON_LOOP(loop_);
  AppendOrder order_;
  Tail tail_ XYLEM_ON_LOOP(loop_);
  std::vector<std::int64_t> appended_ms_ XYLEM_ON_LOOP(loop_);  // per block of tail_
  Listener listener_ XYLEM_ON_LOOP(loop_);
  Offset final_below_ XYLEM_ON_LOOP(loop_) = kOffsetMax;
  bool announcing_ XYLEM_ON_LOOP(loop_) = false;
  bool closed_ XYLEM_ON_LOOP(loop_) = false;
  Published<View> view_;
  Published<CompactionBounds> compaction_;  // of where its batches came from: it has none itself
};

}  // namespace xylem::storage
