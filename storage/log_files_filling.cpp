// The part of LogFiles that puts lost ranges back.
//
// The segment below the rest of a range ends where that begins, always: so a crash leaves a shorter
// range that is lost, never a gap that nobody knows of. Files made here have no zeroes behind them.
#include "storage/log_files.h"
#include "storage/log_paths.h"

#include <algorithm>
#include <vector>

namespace xylem::storage {

// The first segment that begins above `offset`.
SegmentList::iterator LogFiles::above(Offset offset) {
  return std::ranges::upper_bound(segments_, offset, {},
                                  [](const auto& segment) { return segment->base(); });
}

Status LogFiles::fill(LostPart& part, std::int64_t segment_bytes_max) {
  const auto lost = view_.load()->lost;
  const bool is_lost = std::ranges::any_of(lost, [&](const OffsetRange& range) {
    return range.from == part.range.from && range.to >= part.range.to;
  });
  if (!is_lost) return {};
  if (auto wrote = write_part(part, segment_bytes_max); !wrote) return wrote;
  return close_range(part.range.to);
}

Status LogFiles::write_part(LostPart& part, std::int64_t segment_bytes_max) {
  auto& batches = part.batches;
  while (!batches.empty()) {
    const auto& below = *std::prev(above(part.range.from));
    if (filler_ != nullptr) filler_->set_segment_bytes_max(segment_bytes_max);
    const bool goes_on = filler_ != nullptr && filler_->segment() == below &&
                         filler_->has_room(batches.front().place, 0);
    if (!goes_on) {
      if (auto begun = begin_filler(part.range.from); !begun) return begun;
      filler_->set_segment_bytes_max(segment_bytes_max);
    }
    std::vector<PlacedBatch> run;
    std::int64_t bytes = 0;
    for (const auto& batch : batches) {
      if (!run.empty() && !filler_->has_room(batch.place, bytes)) break;
      bytes += static_cast<std::int64_t>(batch.place.bytes);
      run.push_back(batch);
    }
    filler_->set_segment_bytes_max(0);  // allocates no more than that
    if (auto room = filler_->reserve(bytes, false); !room) return room;
    if (auto wrote = filler_->write(run, clock_.wall_ms()); !wrote) return wrote;
    context_.metrics.filled_bytes.add(static_cast<std::uint64_t>(bytes));
    batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(run.size()));
    part.range.from = run.back().place.next;
    view_.set_segments(segments_);
  }
  return {};
}

Status LogFiles::begin_filler(Offset base) {
  if (auto finished = finish_filler(); !finished) return finished;
  const auto next = above(base);
  const auto& below = *std::prev(next);
  const bool is_there = below->base() == base;  // empty: a crash came before its first batch
  auto segment =
      is_there ? below : std::make_shared<Segment>(context_.disk, context_.directory, base);
  auto opened = SegmentWriter::open(context_.disk, segment);
  if (!opened) return pass(opened);
  filler_ = std::move(*opened);
  if (!is_there) segments_.insert(next, std::move(segment));
  return {};
}

Status LogFiles::finish_filler() {
  if (filler_ == nullptr) return {};
  if (auto done = filler_->finish(); !done) return done;
  context_.metrics.syncs.add();
  auto& segment = *filler_->segment();
  if (auto wrote = write_indexes(context_.disk, segment); !wrote)
    context_.logger.warn("storage.index_not_written", {{"error", wrote.error().what()}});
  segment.drop_time_index();
  filler_ = nullptr;
  return {};
}

// Nothing more is to come below `end`.
Status LogFiles::close_range(Offset end) {
  const auto next = above(end + -1);
  const auto& below = *std::prev(next);
  const bool is_filler = filler_ != nullptr && filler_->segment() == below;
  const bool is_whole = (*next)->base() == end;
  const bool is_hole = below->end() < end;
  if (is_hole) below->cover(end);
  if (is_filler && is_whole) {
    if (auto finished = finish_filler(); !finished) return finished;
  } else if (is_hole && !is_filler) {
    // The index alone says that there is no gap. Were it lost, the range would be asked for again.
    if (auto wrote = write_indexes(context_.disk, *below); !wrote) return wrote;
  }
  view_.set_segments(segments_);
  return {};
}

}  // namespace xylem::storage
