// The part of MmapLog that hears of damage and takes back what was lost.
#include "storage/log_paths.h"
#include "storage/mmap_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace xylem::storage {
namespace {

std::size_t bytes_of(const std::deque<LostPart>& parts) {
  std::size_t bytes = 0;
  for (const auto& part : parts) {
    for (const auto& batch : part.batches) bytes += batch.place.bytes;
  }
  return bytes;
}

}  // namespace

std::optional<OffsetRange> MmapLog::to_fill() const {
  loop_.check_here();
  const bool is_written = unwritten_fills_.load(std::memory_order_acquire) == 0;
  const auto missing = lost();  // after that: it knows of all that was written
  if (missing.empty()) return std::nullopt;
  auto range = missing.front();
  if (is_written) return range;
  range.from = std::max(range.from, std::min(filled_to_, range.to));
  if (range.from == range.to) return std::nullopt;
  return range;
}

Status MmapLog::fill(Bytes batches, Offset end) {
  loop_.check_here();
  if (auto ready = check_writable(); !ready) return ready;
  if (auto room = check_room(batches.size()); !room) return room;
  const auto range = to_fill();
  if (!range || end <= range->from || end > range->to)
    return fail(Errc::kInvalidRequest, "not what is lost here");
  auto places = order_.accept_within(batches, {range->from, end});
  if (!places) return pass(places);
  // What runs now is not about this log any more, and what comes back was never compacted here.
  const std::unique_lock shape(shape_mutex_, std::try_to_lock);
  if (!shape) return fail(Errc::kUnavailable, "a compaction is putting its segments in place");
  ++shape_;
  if (compaction_.state()->cleaned_to > range->from) {
    auto lowered = store_compaction([&](auto& state) { state.come_back(range->from); });
    if (!lowered) return lowered;
  }
  order_.add_within(*places);
  LostPart part{{range->from, end}, {}};
  const auto copy = Slice::own(Buffer(batches.begin(), batches.end()));
  std::size_t at = 0;
  for (const auto& place : *places) {
    part.batches.push_back({copy.sub(at, place.bytes), place});
    at += place.bytes;
  }
  filled_to_ = end;
  unwritten_fills_.fetch_add(1, std::memory_order_relaxed);
  context_.waiting_bytes.fetch_add(batches.size(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(queue_mutex_);
    fills_.push_back(std::move(part));
  }
  context_.committer.enqueue(shared_from_this());
  return {};
}

Status MmapLog::write_fills() {
  {
    const std::lock_guard lock(queue_mutex_);
    std::ranges::move(fills_, std::back_inserter(waiting_fills_));
    fills_.clear();
  }
  const auto bytes = bytes_of(waiting_fills_);
  Status done;
  while (done && !waiting_fills_.empty()) {
    auto& part = waiting_fills_.front();
    const auto ranges = lost().size();
    const auto from = part.range.from;
    done = files_.fill(part, segment_bytes_max_);
    moved_ = true;
    context_.metrics.filled_offsets.add(
        static_cast<std::uint64_t>((done ? part.range.to : part.range.from) - from));
    if (!done) break;
    if (lost().size() < ranges) {
      context_.logger.info("storage.filled", {{"topic", name_.topic},
                                              {"partition", name_.id.partition.value()},
                                              {"to", part.range.to.value()}});
    }
    waiting_fills_.pop_front();
    unwritten_fills_.fetch_sub(1, std::memory_order_release);
  }
  context_.waiting_bytes.fetch_sub(bytes - bytes_of(waiting_fills_), std::memory_order_relaxed);
  return done;
}

SegmentList MmapLog::sealed() const {
  SegmentList all = *view_.load()->segments;
  if (!all.empty()) all.pop_back();
  std::erase_if(all, [](const auto& segment) { return segment->is_open(); });
  return all;
}

void MmapLog::found_bad(const std::shared_ptr<Segment>& segment, const Error& error) {
  segment->suspect();
  look_at(Error(error).within(segment->path(kLogSuffix)));
}

void MmapLog::mend(const std::shared_ptr<Segment>& segment, const Indexes& indexes) {
  const std::lock_guard shape(shape_mutex_);
  const std::lock_guard lock(commit_mutex_);
  const auto& now = files_.segments();
  if (files_closed_ || segment->is_retired() || segment->is_open() || segment == now.back() ||
      std::ranges::find(now, segment) == now.end())
    return;
  if (indexes.offsets) {  // it may have been covered since it was read
    const auto facts = decode_index_facts(*indexes.offsets);
    if (!facts || facts->end != segment->end() || facts->bytes != segment->bytes()) return;
  }
  Status done;
  if (indexes.times)
    done = replace_file(context_.disk, segment->path(kTimeIndexSuffix), *indexes.times);
  if (done && indexes.offsets)
    done = replace_file(context_.disk, segment->path(kIndexSuffix), *indexes.offsets);
  context_.logger.warn("storage.index_mended",
                       {{"file", segment->path(kIndexSuffix)},
                        {"error", done ? std::string("none") : done.error().what()}});
}

// Under the commit mutex: what is lost is about to be something else.
void MmapLog::forget_fills() {
  loop_.check_here();
  drop_fills();
  filled_to_ = Offset(0);
}

void MmapLog::drop_fills() {
  const std::lock_guard lock(queue_mutex_);
  context_.waiting_bytes.fetch_sub(bytes_of(fills_) + bytes_of(waiting_fills_),
                                   std::memory_order_relaxed);
  fills_.clear();
  waiting_fills_.clear();
  unwritten_fills_ = 0;
}

}  // namespace xylem::storage
