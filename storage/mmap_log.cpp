#include "storage/mmap_log.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kRetryFullUs = 250'000;

}  // namespace

MmapLog::MmapLog(const LogName& name,
                 const LogOptions& options,
                 const std::string& directory,
                 LogContext& context)
    : name_(name),
      directory_(directory),
      loop_(context.loop),
      context_(context),
      view_(&context.mapped),
      flush_(options.flush),
      order_(Offset(0), {}),
      tail_({.pool = context.blocks}),
      trusted_clock_(context.clock),
      compaction_(context.disk, context.logger, directory),
      files_({context.disk, context.logger, context.metrics, directory, 0}, context.clock, view_) {
  set_options(options);
}

MmapLog::~MmapLog() = default;

Result<std::shared_ptr<MmapLog>> MmapLog::open(const LogName& name,
                                               const LogOptions& options,
                                               const std::string& directory,
                                               LogContext& context) {
  context.loop.check_here();
  std::shared_ptr<MmapLog> log(new MmapLog(name, options, directory, context));
  if (auto recovered = log->recover(); !recovered) return pass(recovered);
  context.scrubber.add(log);
  return log;
}

Status MmapLog::recover() {
  if (auto opened = compaction_.open(); !opened) return opened;
  auto found = files_.recover();
  if (!found) return pass(found);
  compaction_.settle(found->end);
  order_.restart(found->end, std::move(found->epochs));
  if (!found->segments.empty()) tell_catalog();
  report_lost(0);
  return {};
}

Status MmapLog::check_writable() const {
  loop_.check_here();
  if (closed_) return fail(Errc::kCancelled, "the log is closed");
  return health_.writable();
}

Status MmapLog::check_room(std::size_t bytes) const {
  const auto waiting = context_.waiting_bytes.load(std::memory_order_relaxed);
  if (waiting == 0 || waiting + bytes <= kWaitingMax) return {};
  return fail(Errc::kUnavailable, "too much waits for the disk");
}

Result<Offset> MmapLog::append(Bytes batch, Epoch epoch) {
  if (auto ready = check_writable(); !ready) return pass(ready);
  if (auto room = check_room(batch.size()); !room) return pass(room);
  auto place = order_.accept(batch, epoch);
  if (!place) return pass(place);
  queue(batch, *place);
  return place->base;
}

Status MmapLog::append_as_is(Bytes batches) {
  if (auto ready = check_writable(); !ready) return ready;
  if (auto room = check_room(batches.size()); !room) return room;
  auto places = order_.accept_as_is(batches);
  if (!places) return pass(places);
  for (const auto& place : *places) {
    queue(batches.first(place.bytes), place);
    batches = batches.subspan(place.bytes);
  }
  return {};
}

void MmapLog::queue(Bytes batch, const BatchPlace& place) {
  loop_.check_here();
  auto added = tail_.add(batch, place);
  order_.add(place);
  if (added.list_changed) view_.set_blocks(tail_.blocks());
  context_.waiting_bytes.fetch_add(place.bytes, std::memory_order_relaxed);
  bool tell = false;
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back({std::move(added.slice), place});
    tell = !std::exchange(queued_, true);
  }
  if (tell) context_.committer.enqueue(shared_from_this());
}

void MmapLog::take_queue() {
  const std::lock_guard lock(queue_mutex_);
  waiting_.insert(waiting_.end(), std::make_move_iterator(queue_.begin()),
                  std::make_move_iterator(queue_.end()));
  queue_.clear();
  queued_ = false;
}

void MmapLog::fence(const Error& error, std::string_view doing) {
  moved_ = true;
  // Unlike a full disk, a fence does not go away by itself.
  const bool full = error.code() == Errc::kDiskFull;
  if (!health_.fence(full ? Error(Errc::kIo, error.what()) : error)) return;
  context_.metrics.fenced_logs.add();
  context_.logger.error("storage.fenced", {{"topic", name_.topic},
                                           {"partition", name_.id.partition.value()},
                                           {"doing", doing},
                                           {"error", error.what()}});
}

Status MmapLog::write_all(bool zero_fill) {
  std::size_t bytes = 0;
  for (const auto& batch : waiting_) bytes += batch.place.bytes;
  const auto end_before = written_end();
  const bool was_dirty = files_.is_dirty();
  const LogFiles::WriteOptions options{segment_bytes_max_, zero_fill};
  auto wrote = files_.write(waiting_, options);
  if (wrote && given_up_) wrote = files_.make_room(*given_up_, options);
  if (wrote) given_up_.reset();
  for (const auto& batch : waiting_) bytes -= batch.place.bytes;
  context_.waiting_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  if (!was_dirty && files_.is_dirty()) dirty_since_us_ = context_.clock.monotonic_us();
  moved_ |= written_end() != end_before;
  return wrote;
}

void MmapLog::write_waiting() {
  const std::lock_guard lock(commit_mutex_);
  take_queue();
  if (health_.is_fenced()) drop_what_waits();
  if (files_closed_ || health_.is_fenced()) return;
  auto wrote = write_all(flush_ == Flush::kAlways);
  if (wrote) wrote = write_fills();
  settle_write(wrote);
}

void MmapLog::settle_write(const Status& wrote) {
  retry_at_us_.reset();
  const bool full = !wrote && wrote.error().code() == Errc::kDiskFull;
  if (health_.set_disk_full(full ? std::optional(wrote.error()) : std::nullopt)) moved_ = true;
  if (full) {
    context_.metrics.disk_full.add();
    retry_at_us_ = context_.clock.monotonic_us() + kRetryFullUs;
  } else if (!wrote) {
    fence(wrote.error(), "write");
    drop_what_waits();
  }
}

// Neither a file to grow or to begin nor anybody else at it; under the commit mutex.
bool MmapLog::is_quick_to_write() {
  if (files_closed_ || health_.is_fenced() || retry_at_us_ || given_up_) return false;
  if (flush_ == Flush::kAlways || !waiting_.empty() || unwritten_fills_ != 0) return false;
  const std::lock_guard lock(queue_mutex_);
  std::size_t bytes = 0;
  for (const auto& batch : queue_) bytes += batch.place.bytes;
  return !queue_.empty() && bytes <= kQuickBytesMax &&
         files_.has_room_ahead(queue_.back().place, static_cast<std::int64_t>(bytes),
                               segment_bytes_max_);
}

MmapLog::QuickWrite MmapLog::write_quickly() {
  loop_.check_here();
  const std::unique_lock lock(commit_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || !is_quick_to_write()) return {};
  const bool was_dirty = files_.is_dirty();
  take_queue();
  const auto wrote = write_all(false);
  settle_write(wrote);
  if (!wrote) return {};
  context_.metrics.rounds.add();
  const bool is_synced_later = flush_ == Flush::kInterval && !was_dirty;
  return {.moved = std::exchange(moved_, false), .visit = is_synced_later};
}

// Of a fenced log nothing is written any more: it must not count against the others.
void MmapLog::drop_what_waits() {
  drop_waiting(Offset(0));
  drop_fills();
}

// When what is written must be synced; under the commit mutex.
std::optional<std::int64_t> MmapLog::sync_at(std::int64_t now_us) const {
  if (files_closed_ || health_.is_fenced() || !files_.is_dirty()) return std::nullopt;
  const auto flush = flush_.load();
  if (flush == Flush::kNever) return std::nullopt;
  return flush == Flush::kAlways ? now_us : dirty_since_us_ + flush_interval_us_;
}

bool MmapLog::is_sync_due(std::int64_t now_us) {
  const std::lock_guard lock(commit_mutex_);
  const auto due = sync_at(now_us);
  return due && *due <= now_us;
}

bool MmapLog::is_news_before_sync() {
  const std::lock_guard lock(commit_mutex_);
  return tells_written_ && moved_ && !retry_at_us_;  // a full disk can wait: its listener cuts back
}

Committed::Outcome MmapLog::sync_due(std::int64_t now_us) {
  const std::lock_guard lock(commit_mutex_);
  Outcome outcome;
  if (!files_closed_ && !health_.is_fenced()) {
    auto next_sync = sync_at(now_us);
    if (next_sync && *next_sync <= now_us) {
      next_sync.reset();
      if (auto synced = files_.sync(); !synced)
        fence(synced.error(), "sync");
      else
        moved_ = true;
    }
    outcome.again_at_us = files_.note_synced(now_us);
    for (const auto& due : {next_sync, retry_at_us_, repair_at(now_us)}) {
      if (due) outcome.again_at_us = std::min(outcome.again_at_us.value_or(*due), *due);
    }
  }
  outcome.moved = std::exchange(moved_, false);
  if (outcome.moved) context_.metrics.rounds.add();
  return outcome;
}

void MmapLog::committed() {
  loop_.check_here();
  if (closed_) return;
  if (listener_) listener_();
  if (closed_) return;
  shrink_tail(TailBudget::kLogMax);
  context_.tails.touch(*this);
  tell_catalog();
}

void MmapLog::tell_catalog() {
  loop_.check_here();
  auto now = view_.load()->segments;
  if (std::exchange(catalogued_, now) != now) context_.catalog.set(name_, segments());
}

void MmapLog::shrink_tail(std::size_t bytes_kept) {
  loop_.check_here();
  if (tail_.shrink(written_end(), bytes_kept)) view_.set_blocks(tail_.blocks());
}

void MmapLog::give_up_tail() { shrink_tail(0); }

std::size_t MmapLog::tail_bytes() const {
  loop_.check_here();
  return tail_.bytes();
}

void MmapLog::drop_waiting(Offset from) {
  take_queue();
  while (!waiting_.empty() && waiting_.back().place.base >= from) {
    context_.waiting_bytes.fetch_sub(waiting_.back().place.bytes, std::memory_order_relaxed);
    waiting_.pop_back();
  }
}

Status MmapLog::cut_back(Offset offset) {
  loop_.check_here();
  if (auto ready = check_writable(); !ready && ready.error().code() != Errc::kDiskFull)
    return ready;
  if (offset >= order_.end()) return {};
  const std::lock_guard shape(shape_mutex_);
  ++shape_;
  const std::lock_guard lock(commit_mutex_);
  forget_fills();
  auto prepared = files_.prepare_cut(offset);
  if (!prepared && prepared.error().code() == Errc::kCorrupt) {
    set_suspects_aside();
    prepared = files_.prepare_cut(offset);
  }
  if (!prepared) {
    if (prepared.error().code() != Errc::kDiskFull) fence(prepared.error(), "cut back");
    return prepared;
  }
  if (auto lowered = store_compaction([&](auto& state) { state.cut_back(offset); }); !lowered)
    return lowered;
  drop_waiting(offset);
  if (auto cut = tail_.cut_back(offset); !cut) return cut;
  if (offset <= start_offset()) tail_.drop_before(kOffsetMax);  // what was dropped before
  auto end = files_.cut_back(offset, tail_.blocks());
  if (!end) {
    fence(end.error(), "cut back");
    return pass(end);
  }
  order_.cut_back(waiting_.empty() ? *end : waiting_.back().place.next);
  tell_catalog();
  return {};
}

Status MmapLog::give_up_unwritten() {
  loop_.check_here();
  const std::lock_guard lock(commit_mutex_);
  take_queue();
  if (waiting_.empty() || !retry_at_us_) return {};
  given_up_ = waiting_.front().place;
  drop_waiting(Offset(0));
  if (auto cut = tail_.cut_back(written_end()); !cut) return cut;
  view_.replace_unwritten(tail_.blocks());
  order_.cut_back(written_end());
  return {};
}

Status MmapLog::drop_before(Offset offset) {
  loop_.check_here();
  const std::lock_guard shape(shape_mutex_);
  return drop_segments_before(offset);
}

// Under the shape mutex.
Status MmapLog::drop_segments_before(Offset offset) {
  loop_.check_here();
  if (auto ready = check_writable(); !ready && ready.error().code() != Errc::kDiskFull)
    return ready;
  if (offset <= start_offset()) return {};
  ++shape_;
  const std::lock_guard lock(commit_mutex_);
  forget_fills();
  if (offset > written_end()) {  // below it nothing waits, and a full disk must not hold it up
    take_queue();
    auto wrote = write_all(false);
    if (!wrote && wrote.error().code() != Errc::kDiskFull) fence(wrote.error(), "write");
    if (!wrote) return wrote;
    if (offset > written_end()) tail_.drop_before(order_.end());
  }
  auto dropped = files_.drop_before(offset, tail_.blocks());
  if (!dropped) {
    const bool untouched = start_offset() != offset;
    if (dropped.error().code() != Errc::kDiskFull || !untouched) fence(dropped.error(), "drop");
    return dropped;
  }
  order_.drop_before(offset);
  tell_catalog();
  return {};
}

Status MmapLog::retain() {
  loop_.check_here();
  auto dropped = drop_expired();
  if (dropped) ask_for_compaction();
  return dropped;
}

Status MmapLog::drop_expired() {
  loop_.check_here();
  if (options_.retention_bytes < 0 && options_.retention_ms < 0) return {};
  const auto picture = view_.load();
  std::vector<SegmentAge> ages;
  for (const auto& segment : *picture->segments)
    ages.push_back({segment->bytes(), segment->max_timestamp_ms(), segment->appended_ms()});
  auto count = expired_segments(ages, {options_.retention_bytes, options_.retention_ms},
                                trusted_clock_.now_ms());
  while (count > 0 && (*picture->segments)[count]->base() > final_below_.load()) --count;
  if (count == 0) return {};
  // Where a compaction is putting a segment in place the loop does not wait for its syncs.
  const std::unique_lock shape(shape_mutex_, std::try_to_lock);
  if (!shape) return {};
  return drop_segments_before((*picture->segments)[count]->base());
}

void MmapLog::set_options(const LogOptions& options) {
  loop_.check_here();
  const std::lock_guard lock(commit_mutex_);
  options_ = options;
  flush_ = options.flush;
  segment_bytes_max_ = static_cast<std::int64_t>(options.segment_bytes_max);
  flush_interval_us_ = options.flush_interval_ms * 1000;
  // A stricter policy also holds for what is written already.
  if (auto self = weak_from_this().lock()) context_.committer.enqueue(std::move(self));
}

void MmapLog::set_listener(Listener listener) {
  loop_.check_here();
  listener_ = std::move(listener);
}

void MmapLog::stop() {
  loop_.check_here();
  closed_ = true;
  listener_ = nullptr;
  context_.tails.forget(*this);
}

Status MmapLog::retire() {
  loop_.check_here();
  if (closed_) return {};
  stop();
  const std::lock_guard shape(shape_mutex_);
  const std::lock_guard lock(commit_mutex_);
  forget_fills();
  drop_waiting(Offset(0));
  files_closed_ = true;
  for (const auto& segment : files_.segments()) segment->retire();
  return {};
}

Status MmapLog::hand_over() {
  loop_.check_here();
  if (const auto closed = close(); !closed) (void)health_.fence(closed.error());
  if (auto good = health_.writable(); !good) return good;
  const std::lock_guard shape(shape_mutex_);
  const std::lock_guard lock(commit_mutex_);
  for (const auto& segment : files_.segments()) segment->retire();
  return {};
}

Status MmapLog::close() {
  loop_.check_here();
  if (closed_) return {};
  stop();
  const std::lock_guard shape(shape_mutex_);
  const std::lock_guard lock(commit_mutex_);
  take_queue();
  forget_fills();
  files_closed_ = true;
  auto done = health_.writable();
  if (done) done = write_all(false);
  if (!health_.is_fenced()) {
    if (auto closed = files_.close(); !closed && done) done = closed;
  }
  return done;
}

}  // namespace xylem::storage
