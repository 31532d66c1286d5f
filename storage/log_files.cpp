#include "storage/log_files.h"

#include "common/check.h"
#include "storage/log_paths.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kNoteEveryUs = 1'000'000;
// Per call. It bounds what a full disk holds up, and the page cache's folios: pages of 2 MiB are
// short, and where a hypervisor takes free ones back each is a slow fault (twice an append's CPU).
constexpr std::int64_t kWriteBytesMax = 1024LL * 1024;

}  // namespace

LogFiles::LogFiles(const RecoveryContext& context, const Clock& clock, LogView& view)
    : context_(context),
      clock_(clock),
      view_(view),
      synced_file_(context.disk, context.directory + "/synced") {}

Result<RecoveredLog> LogFiles::recover() {
  auto bound = synced_file_.load();
  if (!bound) return pass(bound);
  context_.now_ms = clock_.wall_ms();
  auto found = recover_log(context_, *bound);
  if (!found) return found;
  segments_ = found->segments;
  end_ = found->end;
  noted_synced_ = bound->synced;
  const auto first = segments_.empty() ? end_ : segments_.front()->base();
  view_.restart(std::clamp(bound->start, first, end_), {end_, end_}, segments_, {});
  return found;
}

SyncedBound LogFiles::bound() const {
  const auto picture = view_.load();
  return {picture->ends->synced.load(std::memory_order_acquire), picture->start};
}

Status LogFiles::write(std::deque<PlacedBatch>& waiting, const WriteOptions& options) {
  std::vector<PlacedBatch> run;
  while (!waiting.empty()) {
    if (auto ready = writer_for(waiting.front().place, options); !ready) return ready;
    run.clear();
    std::int64_t bytes = 0;
    for (const auto& batch : waiting) {
      if (!run.empty() && (bytes >= kWriteBytesMax || !writer_->has_room(batch.place, bytes)))
        break;
      bytes += static_cast<std::int64_t>(batch.place.bytes);
      run.push_back(batch);
    }
    if (auto room = writer_->reserve(bytes, options.zero_fill); !room) return room;
    if (auto wrote = writer_->write(run, clock_.wall_ms()); !wrote) return wrote;
    if (!options.zero_fill) writer_->begin_sync();
    context_.metrics.written_bytes.add(static_cast<std::uint64_t>(bytes));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(run.size()));
    dirty_ = true;
    end_ = run.back().place.next;
    view_.load()->ends->written.store(end_, std::memory_order_release);
  }
  return {};
}

bool LogFiles::has_room_ahead(const BatchPlace& last,
                              std::int64_t bytes,
                              std::int64_t segment_bytes_max) {
  if (writer_ == nullptr || segments_.empty() || writer_->segment() != segments_.back())
    return false;
  writer_->set_segment_bytes_max(segment_bytes_max);
  return writer_->has_room_ahead(last, bytes);
}

Status LogFiles::make_room(const BatchPlace& place, const WriteOptions& options) {
  if (auto ready = writer_for(place, options); !ready) return ready;
  return writer_->reserve(static_cast<std::int64_t>(place.bytes), options.zero_fill);
}

Status LogFiles::make_directory() {
  if (has_directory_) return {};
  if (auto made = context_.disk.make_directories(context_.directory); !made) return made;
  auto parent = context_.directory;
  for (int level = 0; level < 3; ++level) {  // partition, topic, logs
    parent = directory_of(parent);
    if (auto synced = context_.disk.sync_directory(parent); !synced) return synced;
  }
  has_directory_ = true;
  return {};
}

// Leaves a writer in which `place` has room: of the last segment, else of a new one.
Status LogFiles::writer_for(const BatchPlace& place, const WriteOptions& options) {
  if (writer_ == nullptr && !segments_.empty() && segments_.back()->end() == end_) {
    auto opened = SegmentWriter::open(context_.disk, segments_.back());
    if (!opened) return pass(opened);
    writer_ = std::move(*opened);
  }
  if (writer_ != nullptr) {
    writer_->set_segment_bytes_max(options.segment_bytes_max);
    if (writer_->has_room(place, 0)) return {};
    if (auto sealed = seal(); !sealed) return sealed;
  }
  if (auto begun = begin_segment(fits_index(end_, place.base) ? end_ : place.base); !begun)
    return begun;
  writer_->set_segment_bytes_max(options.segment_bytes_max);
  return {};
}

Status LogFiles::begin_segment(Offset base) {
  if (auto made = make_directory(); !made) return made;
  auto segment = std::make_shared<Segment>(context_.disk, context_.directory, base);
  auto opened = SegmentWriter::open(context_.disk, segment);
  if (!opened) return pass(opened);
  writer_ = std::move(*opened);
  segments_.push_back(std::move(segment));
  view_.set_segments(segments_);
  return {};
}

Status LogFiles::seal() {
  if (auto done = writer_->finish(); !done) return done;
  context_.metrics.syncs.add();
  publish_synced();
  auto& segment = *writer_->segment();
  if (auto wrote = write_indexes(context_.disk, segment); !wrote)
    context_.logger.warn("storage.index_not_written", {{"error", wrote.error().what()}});
  segment.drop_time_index();
  writer_ = nullptr;
  return {};
}

void LogFiles::publish_synced() {
  dirty_ = false;
  view_.load()->ends->synced.store(end_, std::memory_order_release);
}

Status LogFiles::sync() {
  if (!dirty_) return {};
  const auto begun_us = clock_.monotonic_us();
  if (auto synced = writer_->sync(); !synced) return synced;
  context_.metrics.syncs.add();
  context_.metrics.sync_s.observe(static_cast<double>(clock_.monotonic_us() - begun_us) / 1e6);
  publish_synced();
  return {};
}

std::optional<std::int64_t> LogFiles::note_synced(std::int64_t now_us) {
  const auto now = bound();
  if (now.synced <= noted_synced_ || segments_.empty()) return std::nullopt;
  if (now_us - noted_at_us_ < kNoteEveryUs) return noted_at_us_ + kNoteEveryUs;
  noted_at_us_ = now_us;
  noted_synced_ = now.synced;
  if (auto stored = synced_file_.store(now); !stored)
    context_.logger.warn("storage.bound_not_written", {{"error", stored.error().what()}});
  return std::nullopt;
}

// Nothing at or above `offset` is in the files, nor a segment begun for it.
bool LogFiles::is_unwritten(Offset offset) const {
  return end_ <= offset && (segments_.empty() || segments_.back()->base() <= offset);
}

Result<LogFiles::Cut> LogFiles::cut_at(Offset offset) const {
  Cut cut;
  const auto now = bound();
  if (offset <= now.start) return cut;  // what lies there was dropped
  cut.kept = segments_.size();
  while (cut.kept > 0 && segments_[cut.kept - 1]->base() >= offset) --cut.kept;
  if (cut.kept == 0) return cut;
  const auto& last = *segments_[cut.kept - 1];
  auto position = last.position_of(offset);
  if (!position) return pass(position);
  if (*position < last.bytes()) cut.copied_bytes = *position;
  return cut;
}

Status LogFiles::prepare_cut(Offset offset) {
  if (is_unwritten(offset)) return {};
  auto cut = cut_at(offset);
  if (!cut) return pass(cut);
  if (cut->copied_bytes) {
    auto& last = *segments_[cut->kept - 1];
    if (auto copied = copy_prefix(last, *cut->copied_bytes); !copied) {
      // It may be what fills the disk.
      (void)context_.disk.remove(last.path(kLogSuffix) + std::string(kReplacementSuffix));
      return copied;
    }
  }
  auto now = bound();
  now.synced = std::min(now.synced, cut->kept > 0 ? segments_[cut->kept - 1]->base() : now.start);
  if (auto stored = synced_file_.store_durably(now); !stored) return stored;
  noted_synced_ = now.synced;
  return {};
}

Result<Offset> LogFiles::cut_back(Offset offset, const BlockList& blocks) {
  if (is_unwritten(offset)) {
    view_.replace_unwritten(blocks);
    return end_;
  }
  auto cut = cut_at(offset);
  if (!cut) return pass(cut);
  auto start = bound().start;
  if (auto synced = sync(); !synced) return pass(synced);
  writer_ = nullptr;
  filler_ = nullptr;
  // One by one: a power cut must not keep a segment and lose the one before it.
  while (segments_.size() > cut->kept) {
    if (auto gone = remove_segments(segments_.size() - 1, segments_.size()); !gone)
      return pass(gone);
  }
  if (cut->copied_bytes) {
    if (auto replaced = put_prefix_in_place(cut->kept - 1); !replaced) return pass(replaced);
  }
  if (offset < start) {  // not before: what was dropped must not come back
    start = offset;
    if (auto stored = synced_file_.store_durably({start, start}); !stored) return pass(stored);
    noted_synced_ = start;
  }
  end_ = std::max(start, segments_.empty() ? start : segments_.back()->end());
  view_.restart(start, {end_, end_}, segments_, blocks);
  return end_;
}

Status LogFiles::copy_prefix(Segment& segment, std::int64_t bytes) {
  const auto path = segment.path(kLogSuffix);
  auto from = context_.disk.open(path, Disk::Open::kRead);
  if (!from) return pass(from);
  auto to = create_fresh(context_.disk, path + std::string(kReplacementSuffix));
  if (!to) return pass(to);
  Buffer part(kChunkBytes);
  for (std::int64_t at = 0; at < bytes;) {
    const auto count = std::min<std::int64_t>(bytes - at, kChunkBytes);
    auto got = (*from)->read_at(at, MutableBytes(part).first(static_cast<std::size_t>(count)));
    if (!got || std::cmp_less(*got, count)) {
      segment.suspect();
      return fail(Errc::kCorrupt, got ? path + " is too short" : got.error().what());
    }
    const std::array pieces = {Bytes(part).first(*got)};
    if (auto wrote = (*to)->write_at(at, pieces); !wrote) return wrote;
    at += count;
  }
  return (*to)->sync();
}

// The old file stays for whoever has it mapped.
Status LogFiles::put_prefix_in_place(std::size_t index) {
  auto& old = *segments_[index];
  const auto path = old.path(kLogSuffix);
  if (auto gone = remove_indexes(context_.disk, old); !gone) return gone;
  old.retire();
  if (auto moved = context_.disk.rename(path + std::string(kReplacementSuffix), path); !moved)
    return moved;
  if (auto synced = context_.disk.sync_directory(context_.directory); !synced) return synced;
  auto walked = walk_segment(context_, old.base());
  if (!walked) return pass(walked);
  segments_[index] = std::move(*walked);
  return {};
}

// From the newest to the oldest, so that a crash leaves no gap.
Status LogFiles::remove_segments(std::size_t first, std::size_t last) {
  if (first == last) return {};
  const SegmentList going(segments_.begin() + static_cast<std::ptrdiff_t>(first),
                          segments_.begin() + static_cast<std::ptrdiff_t>(last));
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(first),
                  segments_.begin() + static_cast<std::ptrdiff_t>(last));
  for (const auto& segment : std::views::reverse(going)) {
    segment->retire();
    if (auto gone = remove_indexes(context_.disk, *segment); !gone) return gone;
    auto removed = context_.disk.remove(segment->path(kLogSuffix));
    if (!removed && removed.error().code() != Errc::kNotFound) return removed;
  }
  return context_.disk.sync_directory(context_.directory);
}

Status LogFiles::drop_before(Offset offset, const BlockList& blocks) {
  const bool past_end = offset > end_;
  auto now = bound();
  now.start = offset;
  if (past_end) now.synced = offset;
  if (auto made = make_directory(); !made) return made;
  if (auto stored = synced_file_.store_durably(now); !stored) return stored;
  noted_synced_ = now.synced;
  if (past_end && writer_ != nullptr) {
    writer_ = nullptr;
    dirty_ = false;
  }
  filler_ = nullptr;
  std::size_t count = past_end ? segments_.size() : 0;
  while (!past_end && count + 1 < segments_.size() && segments_[count + 1]->base() <= offset)
    ++count;
  context_.metrics.dropped_segments.add(count);
  if (!past_end) {
    const SegmentList kept(segments_.begin() + static_cast<std::ptrdiff_t>(count), segments_.end());
    view_.set_start(offset);
    view_.set_segments(kept);
    return remove_segments(0, count);
  }
  end_ = offset;
  view_.restart(offset, {offset, offset}, {}, blocks);
  if (auto gone = remove_segments(0, count); !gone) return gone;
  return begin_segment(offset);  // its name says where the log goes on
}

SegmentList::const_iterator LogFiles::find(const Segment& wanted) const {
  return std::ranges::find(segments_, &wanted, [](const auto& segment) { return segment.get(); });
}

Status LogFiles::quarantine(const Segment& damaged) {
  const auto found = find(damaged);
  if (found == segments_.end()) return {};
  if (found + 1 == segments_.end()) {
    if (auto synced = sync(); !synced) return synced;
    writer_ = nullptr;
  }
  context_.now_ms = clock_.wall_ms();
  auto good = salvage_segment(context_, {damaged.base(), damaged.end(), damaged.end()});
  if (!good) return pass(good);
  return replace(damaged, *good);
}

Status LogFiles::seal_suspects() {
  if (filler_ != nullptr && filler_->segment()->is_suspect()) {
    if (auto finished = finish_filler(); !finished) return finished;
  }
  if (segments_.empty() || !segments_.back()->is_suspect()) return {};
  if (segments_.back()->base() == end_) return quarantine(*segments_.back());  // it is empty
  if (writer_ != nullptr) {
    if (auto sealed = seal(); !sealed) return sealed;
  }
  return begin_segment(end_);
}

Status LogFiles::replace(const Segment& damaged, const SalvagedSegment& good) {
  const auto found = find(damaged);
  XYLEM_CHECK(found != segments_.end());
  const bool is_last = found + 1 == segments_.end();
  filler_ = nullptr;
  (*found)->retire();
  if (auto placed = put_in_place(context_, good); !placed) return placed;
  segments_.insert(segments_.erase(found), good.parts.begin(), good.parts.end());
  view_.set_segments(segments_);
  if (is_last && segments_.back()->end() < end_) {
    if (auto begun = begin_segment(end_); !begun) return begun;
  }
  for (const auto& segment : good.parts) {
    if (segment == segments_.back()) break;  // it may go on growing
    if (auto wrote = write_indexes(context_.disk, *segment); !wrote)
      context_.logger.warn("storage.index_not_written", {{"error", wrote.error().what()}});
  }
  return {};
}

bool LogFiles::has_sealed(const SegmentList& old) const {
  const auto found = std::ranges::search(segments_, old);
  return !old.empty() && !found.empty() && found.end() != segments_.end();
}

void LogFiles::exchange(const SegmentList& old, const SegmentList& fresh) {
  const auto found = std::ranges::search(segments_, old);
  XYLEM_CHECK(!found.empty());
  segments_.insert(segments_.erase(found.begin(), found.end()), fresh.begin(), fresh.end());
  view_.set_segments(segments_);
}

Status LogFiles::close() {
  const auto finished = finish_filler();
  if (writer_ != nullptr) {
    if (auto sealed = seal(); !sealed) return sealed;
  }
  if (!finished) return finished;
  if (bound().synced <= noted_synced_ || segments_.empty()) return {};
  noted_synced_ = bound().synced;
  return synced_file_.store_durably(bound());
}

}  // namespace xylem::storage
