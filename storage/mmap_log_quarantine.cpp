// The part of MmapLog that sets damaged segments aside.
//
// A suspect that is still written is sealed first, on the loop. What is good in it is copied on the
// salvager's thread without a lock; the copy takes its place under both mutexes, if it is still
// the segment that was copied.
#include "storage/log_paths.h"
#include "storage/mmap_log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kRetryFullUs = 60'000'000;  // the copy found no room

std::int64_t offsets_in(const std::vector<OffsetRange>& ranges) {
  std::int64_t offsets = 0;
  for (const auto& range : ranges) offsets += range.to - range.from;
  return offsets;
}

bool has_suspects(const LogPicture& picture) {
  return std::ranges::any_of(*picture.segments,
                             [](const auto& segment) { return segment->is_suspect(); });
}

}  // namespace

void MmapLog::report_lost(std::int64_t offsets_known) const {
  const auto missing = lost();
  const auto offsets = offsets_in(missing);
  if (offsets <= offsets_known) return;
  context_.metrics.lost_offsets.add(static_cast<std::uint64_t>(offsets - offsets_known));
  context_.logger.error("storage.lost", {{"topic", name_.topic},
                                         {"partition", name_.id.partition.value()},
                                         {"from", missing.front().from.value()},
                                         {"to", missing.back().to.value()},
                                         {"ranges", missing.size()},
                                         {"offsets", offsets}});
}

// A check failed: the loop has the segment set aside, once. Of a fenced log nothing changes.
void MmapLog::look_at(const Error& error) const {
  if (health_.is_fenced() || context_.clock.monotonic_us() < repair_after_us_.load()) return;
  if (repairing_.exchange(true)) return;
  context_.logger.error(
      "storage.corrupt",
      {{"topic", name_.topic}, {"partition", name_.id.partition.value()}, {"error", error.what()}});
  auto self = std::const_pointer_cast<MmapLog>(shared_from_this());
  const auto task = [self, open = context_.open] {
    if (*open) self->repair();
  };
  if (!context_.loop.post(task)) repairing_ = false;
}

void MmapLog::repair() {
  loop_.check_here();
  if (closed_) return;
  {
    const std::lock_guard shape(shape_mutex_);
    const std::lock_guard lock(commit_mutex_);
    if (!health_.is_fenced()) {
      if (auto sealed = files_.seal_suspects(); !sealed)
        not_quarantined(*files_.segments().back(), sealed.error());
    }
  }
  const bool waits =
      context_.salvager.submit([self = shared_from_this()] { self->salvage_suspects(); });
  if (!waits) repairing_ = false;  // who reads it next, tries again
}

// On the salvager's thread.
void MmapLog::salvage_suspects() {
  const auto picture = view_.load();
  for (const auto& segment : *picture->segments) {
    if (segment->is_suspect() && !segment->is_open()) salvage(segment);
  }
  context_.loop.answer([self = shared_from_this(), open = context_.open] {
    if (*open) self->repaired();
  });
}

void MmapLog::salvage(const std::shared_ptr<Segment>& segment) {
  if (context_.clock.monotonic_us() < repair_after_us_.load() || health_.is_fenced()) return;
  const RecoveryContext context{context_.disk, context_.logger, context_.metrics, directory_,
                                context_.clock.wall_ms()};
  const DamagedRange damaged{segment->base(), segment->end(), segment->end()};
  const auto goes_on = [&] { return !context_.salvager.is_stopping() && !segment->is_retired(); };
  auto good = salvage_segment(context, damaged, {std::string(kSalvagedSuffix), goes_on});
  if (!good && good.error().code() == Errc::kCancelled) return;
  std::int64_t known = 0;
  Status done;
  {
    const std::lock_guard shape(shape_mutex_);
    const std::lock_guard lock(commit_mutex_);
    known = offsets_in(lost());
    const bool is_same = !files_closed_ && !health_.is_fenced() && !segment->is_retired() &&
                         !segment->is_open() && segment->end() == damaged.end_min &&
                         files_.has_sealed({segment});
    if (!is_same) {
      done = fail(Errc::kCancelled, "it is another one by now");
    } else {
      done = good ? replace(*segment, *good) : Status(pass(good));
      if (!done) not_quarantined(*segment, done.error());
    }
  }
  if (good && !done) discard(context_.disk, *good);
  report_lost(known);
}

// Under both mutexes.
Status MmapLog::replace(const Segment& damaged, const SalvagedSegment& good) {
  // A swap that could not be ended must be before new files take names out of its range.
  if (auto stored = store_compaction([](auto&) {}); !stored) return stored;
  drop_fills();
  return files_.replace(damaged, good);
}

// Under the commit mutex. A full disk may have room later, if nothing has changed.
void MmapLog::not_quarantined(const Segment& damaged, const Error& error) {
  if (error.code() != Errc::kDiskFull || damaged.is_retired()) return fence(error, "quarantine");
  context_.logger.warn("storage.not_quarantined", {{"error", error.what()}});
  repair_after_us_ = context_.clock.monotonic_us() + kRetryFullUs;
  context_.committer.enqueue(shared_from_this());
}

// When the listener is to be called for what found no room; under the commit mutex.
std::optional<std::int64_t> MmapLog::repair_at(std::int64_t now_us) {
  const auto after_us = repair_after_us_.load();
  if (after_us == 0) return std::nullopt;
  if (after_us > now_us) return after_us;
  repair_after_us_ = 0;
  moved_ = true;
  return std::nullopt;
}

void MmapLog::repaired() {
  loop_.check_here();
  if (closed_) return;
  repairing_ = false;
  if (has_suspects(*view_.load()))
    look_at(Error(Errc::kCorrupt, "a segment is still to be set aside"));
  tell_catalog();
  if (listener_) listener_();
}

// Under the commit mutex, for the loop that cannot go on without it.
void MmapLog::set_suspects_aside() {
  for (const auto& segment : SegmentList(files_.segments())) {
    if (!segment->is_suspect() || health_.is_fenced()) continue;
    if (auto done = files_.quarantine(*segment); !done) not_quarantined(*segment, done.error());
  }
}

}  // namespace xylem::storage
