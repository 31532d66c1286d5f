// The half of MmapLog that has to do with compaction. What runs on the compactor's thread holds the
// shape mutex while it looks at the log, and the commit mutex only to exchange the list of
// segments.
#include "storage/log_paths.h"
#include "storage/mmap_log.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kRetryAfterMs = 60'000;  // a run that failed

}  // namespace

void MmapLog::ask_for_compaction() {
  loop_.check_here();
  if (options_.cleanup != Cleanup::kCompact || closed_ || health_.is_fenced()) return;
  if (compacting_.load(std::memory_order_acquire) || compaction_pauses_->load() > 0) return;
  if (context_.clock.monotonic_ms() < compact_after_ms_.load()) return;

  const auto state = compaction_.state();
  const auto now_ms = trusted_clock_.now_ms();
  auto horizon = state->bounds.tombstone_horizon;
  if (now_ms) horizon = state->horizon_at(*now_ms, options_.tombstone_retention_ms);
  horizon = std::min(horizon, state->cleaned_to);
  if (!lost().empty()) horizon = std::min(horizon, state->bounds.tombstone_horizon);
  const bool tombstones_due = !state->marks.empty() && state->marks.front().below <= horizon;
  std::vector<SealedSegment> sealed;
  const auto picture = view_.load();
  for (const auto& segment : *picture->segments)
    sealed.push_back({segment->end(), segment->bytes()});
  if (!sealed.empty()) sealed.pop_back();
  while (!sealed.empty() && sealed.back().end > final_below_.load()) sealed.pop_back();
  if (!tombstones_due && !is_dirty(sealed, state->cleaned_to, options_.compaction_dirty_percent))
    return;
  wanted_horizon_ = horizon;
  compacting_.store(true, std::memory_order_release);
  context_.compactor.enqueue(shared_from_this());
}

std::shared_ptr<void> MmapLog::pause_compaction() {
  loop_.check_here();
  compaction_pauses_->fetch_add(1);
  return {nullptr, [pauses = compaction_pauses_](void*) { pauses->fetch_sub(1); }};
}

Status MmapLog::inherit_compaction(const CompactionBounds& bounds) {
  loop_.check_here();
  const std::lock_guard shape(shape_mutex_);
  return store_compaction([&](CompactionState& state) {
    if (start_offset() == end_offset()) {
      state.bounds = bounds;
      state.marks.clear();
      return;
    }
    auto& own = state.bounds;
    own.compacted_below = std::max(own.compacted_below, bounds.compacted_below);
    own.tombstone_horizon =
        std::max(bounds.tombstone_horizon, std::min(own.tombstone_horizon, state.cleaned_to));
  });
}

// For all but the compactor, under the shape mutex: what runs now is not about this log any more.
Status MmapLog::store_compaction(const std::function<void(CompactionState&)>& how) {
  auto state = *compaction_.state();
  state.swap.reset();
  how(state);
  ++shape_;
  return compaction_.store(std::move(state));
}

void MmapLog::compact(CompactionPace& pace) {
  const auto done = run_compaction(pace);
  const bool failed = !done && done.error().code() != Errc::kCancelled;
  if (failed && done.error().code() == Errc::kCorrupt) look_at(done.error());
  if (failed) compact_after_ms_.store(context_.clock.monotonic_ms() + kRetryAfterMs);
  compacting_.store(false, std::memory_order_release);
}

Status MmapLog::run_compaction(CompactionPace& pace) {
  for (;;) {
    const auto task = compaction_task();
    if (!task) return fail(Errc::kCancelled, "not now");
    CompactionRun run(context_.disk, directory_, *this, pace, *task);
    auto done = run.run();
    tell_of_compaction(run.report(), done);
    if (!done || run.report().is_whole) return done;
  }
}

std::optional<CompactionTask> MmapLog::compaction_task() {
  const std::lock_guard shape(shape_mutex_);
  shape_compacted_ = shape_;
  if (!is_wanted()) return std::nullopt;
  CompactionTask task;
  task.state = *compaction_.state();
  task.horizon = std::min(wanted_horizon_, task.state.cleaned_to);
  // What is lost may come back, with records that a tombstone here deletes.
  if (!view_.load()->lost.empty())
    task.horizon = std::min(task.horizon, task.state.bounds.tombstone_horizon);
  task.key_bytes_max = context_.compactor.limits().key_bytes_max;
  const std::lock_guard lock(commit_mutex_);
  task.segment_bytes_max = segment_bytes_max_;
  const auto& segments = files_.segments();
  const auto final_below = final_below_.load();
  for (std::size_t i = 0; i + 1 < segments.size() && segments[i]->end() <= final_below; ++i)
    task.sealed.push_back({segments[i], segments[i]->facts()});
  return task;
}

bool MmapLog::is_wanted() {
  const std::lock_guard lock(commit_mutex_);
  return !files_closed_ && !health_.is_fenced() && compaction_pauses_->load() == 0 &&
         !files_.is_filling() && unwritten_fills_.load() == 0 && shape_ == shape_compacted_;
}

bool MmapLog::has_sealed(const SegmentList& old) {
  const std::lock_guard lock(commit_mutex_);
  return files_.has_sealed(old);
}

bool MmapLog::goes_on() {
  const std::lock_guard shape(shape_mutex_);
  return is_wanted();
}

Status MmapLog::change(const std::function<void(CompactionState&)>& how) {
  const std::lock_guard shape(shape_mutex_);
  if (!is_wanted()) return fail(Errc::kCancelled, "not now");
  auto state = *compaction_.state();
  state.swap.reset();
  how(state);
  return compaction_.store(std::move(state));
}

// The order of steps is LogCompaction's: whatever happens between two of them, open() knows.
Status MmapLog::swap(const SegmentList& old,
                     const std::shared_ptr<Segment>& made,
                     const std::string& path) {
  // The note is about a file that is there, also after a power cut.
  if (auto named = context_.disk.sync_directory(directory_); !named) return named;
  const std::lock_guard shape(shape_mutex_);
  if (!is_wanted() || !has_sealed(old)) {
    (void)context_.disk.remove(path);
    return fail(Errc::kCancelled, "not now");
  }
  auto state = *compaction_.state();
  state.swap.reset();
  const auto noted_not = state;
  state.swap = {old.front()->base(), made->end(), made->bytes()};
  // Where this fails the note may be there all the same; the new file says that nothing was done.
  if (auto noted = compaction_.store(state); !noted) return noted;
  if (auto ready = prepare_swap(*old.front()); !ready) {
    if (compaction_.store(noted_not)) (void)context_.disk.remove(path);
    return ready;
  }
  auto done = rename_into_place(old, made, path);
  if (done) done = remove_replaced(old);
  if (!done) {
    const std::lock_guard lock(commit_mutex_);
    fence(done.error(), "compact");
    return done;
  }
  if (auto wrote = write_indexes(context_.disk, *made); !wrote)
    context_.logger.warn("storage.index_not_written", {{"error", wrote.error().what()}});
  made->drop_time_index();
  (void)context_.loop.post([self = weak_from_this(), end = made->end()] {
    if (const auto log = self.lock()) log->forget_compacted(end);
  });
  return compaction_.store(noted_not);
}

// What memory still holds of it is longer than what the files hold now.
void MmapLog::forget_compacted(Offset end) {
  loop_.check_here();
  if (closed_) return;
  if (tail_.drop_before(std::min(end, written_end()))) view_.set_blocks(tail_.blocks());
  tell_catalog();
}

// The first one's index must not be taken for its successor's, which will have its name.
Status MmapLog::prepare_swap(const Segment& first) {
  (void)first.position_of(first.end());  // who still reads it finds its index and mapping in memory
  if (auto gone = remove_indexes(context_.disk, first); !gone) return gone;
  return context_.disk.sync_directory(directory_);
}

Status MmapLog::rename_into_place(const SegmentList& old,
                                  const std::shared_ptr<Segment>& made,
                                  const std::string& path) {
  const std::lock_guard lock(commit_mutex_);
  for (const auto& segment : old) segment->retire();
  auto renamed = context_.disk.rename(path, made->path(kLogSuffix));
  SegmentList now = {made};
  if (!renamed) {  // readers go on with what is there
    now.clear();
    for (const auto& segment : old)
      now.push_back(std::make_shared<Segment>(context_.disk, directory_, segment->facts()));
  }
  files_.exchange(old, now);
  return renamed;
}

Status MmapLog::remove_replaced(const SegmentList& old) {
  if (auto synced = context_.disk.sync_directory(directory_); !synced) return synced;
  for (const auto& segment : old | std::views::drop(1) | std::views::reverse) {
    if (auto gone = remove_indexes(context_.disk, *segment); !gone) return gone;
    if (auto gone = context_.disk.remove(segment->path(kLogSuffix)); !gone) return gone;
  }
  return context_.disk.sync_directory(directory_);
}

void MmapLog::tell_of_compaction(const CompactionReport& report, const Status& done) const {
  const auto& metrics = context_.metrics;
  metrics.compaction_read_bytes.add(static_cast<std::uint64_t>(report.read_bytes));
  metrics.compaction_written_bytes.add(static_cast<std::uint64_t>(report.written_bytes));
  metrics.compaction_removed_records.add(static_cast<std::uint64_t>(report.removed_records));
  if (done) metrics.compaction_runs.add();
  if (!done && done.error().code() == Errc::kCancelled) return;
  if (!done) {
    context_.logger.warn("storage.compaction_failed", {{"topic", name_.topic},
                                                       {"partition", name_.id.partition.value()},
                                                       {"error", done.error().what()},
                                                       {"retry_after_ms", kRetryAfterMs}});
    return;
  }
  const auto state = compaction_.state();
  context_.logger.info("storage.compacted",
                       {{"topic", name_.topic},
                        {"partition", name_.id.partition.value()},
                        {"cleaned_to", state->cleaned_to.value()},
                        {"tombstone_horizon", state->bounds.tombstone_horizon.value()},
                        {"keys", report.keys},
                        {"removed", report.removed_records},
                        {"read_bytes", report.read_bytes},
                        {"written_bytes", report.written_bytes},
                        {"segments_replaced", report.segments_before},
                        {"segments_made", report.segments_after},
                        {"batches_not_opened", report.opaque_batches},
                        {"whole", report.is_whole}});
}

}  // namespace xylem::storage
