#include "storage/log_view.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace xylem::storage {

namespace {

// The segment that holds `offset`, or the first one above; segments.size() where there is none.
std::size_t segment_at(const SegmentList& segments, Offset offset) {
  const auto after = std::ranges::upper_bound(segments, offset, std::less<>(),
                                              [](const auto& each) { return each->base(); });
  return after == segments.begin() ? 0 : static_cast<std::size_t>(after - segments.begin()) - 1;
}

std::shared_ptr<const std::vector<std::int64_t>> latest_of(const SegmentList& segments,
                                                           Offset start) {
  std::vector<std::int64_t> latest;
  auto highest = std::numeric_limits<std::int64_t>::min();
  const auto first = segment_at(segments, start);
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    if (i > first) highest = std::max(highest, segments[i]->max_timestamp_ms());
    latest.push_back(highest);
  }
  return std::make_shared<const std::vector<std::int64_t>>(std::move(latest));
}

}  // namespace

LogView::LogView(MappedSegments* mapped)
    : mapped_(mapped),
      picture_(std::make_shared<const LogPicture>(LogPicture{std::make_shared<LogEnds>(),
                                                             Offset(0),
                                                             std::make_shared<const SegmentList>(),
                                                             std::make_shared<const BlockList>(),
                                                             {},
                                                             latest_of({}, Offset(0))})) {}

void LogView::set_blocks(const BlockList& blocks) {
  const std::lock_guard lock(mutex_);
  LogPicture next = *picture_.load();
  next.blocks = std::make_shared<const BlockList>(blocks);
  picture_.store(std::make_shared<const LogPicture>(std::move(next)));
}

void LogView::replace_unwritten(const BlockList& blocks) {
  const std::lock_guard lock(mutex_);
  LogPicture next = *picture_.load();
  const auto ends = std::make_shared<LogEnds>();
  ends->written = next.ends->written.load(std::memory_order_acquire);
  ends->synced = next.ends->synced.load(std::memory_order_acquire);
  next.ends = ends;
  next.blocks = std::make_shared<const BlockList>(blocks);
  picture_.store(std::make_shared<const LogPicture>(std::move(next)));
}

void LogView::set_segments(const SegmentList& segments) {
  for (const auto& segment : segments) segment->count_in(mapped_);
  const std::lock_guard lock(mutex_);
  LogPicture next = *picture_.load();
  next.segments = std::make_shared<const SegmentList>(segments);
  next.lost = lost_ranges(segments, next.start);
  next.latest_ms = latest_of(segments, next.start);
  picture_.store(std::make_shared<const LogPicture>(std::move(next)));
}

void LogView::set_start(Offset start) {
  const std::lock_guard lock(mutex_);
  LogPicture next = *picture_.load();
  next.start = start;
  next.lost = lost_ranges(*next.segments, start);
  next.latest_ms = latest_of(*next.segments, start);
  picture_.store(std::make_shared<const LogPicture>(std::move(next)));
}

void LogView::restart(Offset start,
                      const Ends& ends,
                      const SegmentList& segments,
                      const BlockList& blocks) {
  for (const auto& segment : segments) segment->count_in(mapped_);
  const std::lock_guard lock(mutex_);
  LogPicture next;
  next.ends = std::make_shared<LogEnds>();
  next.ends->written = ends.written;
  next.ends->synced = ends.synced;
  next.start = start;
  next.segments = std::make_shared<const SegmentList>(segments);
  next.lost = lost_ranges(segments, start);
  next.latest_ms = latest_of(segments, start);
  next.blocks = std::make_shared<const BlockList>(blocks);
  picture_.store(std::make_shared<const LogPicture>(std::move(next)));
}

std::vector<OffsetRange> lost_ranges(const SegmentList& segments, Offset start) {
  std::vector<OffsetRange> lost;
  for (std::size_t i = 1; i < segments.size(); ++i) {
    const auto from = segments[i - 1]->end();
    const auto to = segments[i]->base();
    if (from < to && to > start && fits_index(from, to))
      lost.push_back({std::max(from, start), to});
  }
  return lost;
}

namespace {

// The segments that reading `range` looks into, from the one with the batch before it on.
SegmentList segments_of(const LogPicture& picture, const ReadRange& range) {
  SegmentList found;
  const auto& blocks = *picture.blocks;
  const auto tail = blocks.empty() ? range.below : blocks.front()->base();
  if (!blocks.empty() && range.from > tail) return found;
  const auto& segments = *picture.segments;
  auto segment = std::ranges::lower_bound(segments, range.from, std::less<>(),
                                          [](const auto& each) { return each->base(); });
  if (segment != segments.begin()) --segment;
  std::int64_t bytes = 0;
  for (; segment != segments.end() && (found.empty() || (*segment)->base() < tail); ++segment) {
    if (!found.empty() && std::cmp_greater_equal(bytes, range.bytes_max)) break;
    found.push_back(*segment);
    bytes += (*segment)->bytes_above(range.from);
  }
  return found;
}

}  // namespace

bool is_warm(const LogPicture& picture, const ReadRange& range) {
  return std::ranges::all_of(segments_of(picture, range),
                             [&](const auto& segment) { return segment->is_warm(range); });
}

Status warm_up(const LogPicture& picture, const ReadRange& range) {
  for (const auto& segment : segments_of(picture, range)) {
    if (auto done = segment->warm_up(range); !done) return done;
  }
  return {};
}

Result<ReadResult> read_picture(const LogPicture& picture, const ReadRange& range) {
  ReadResult out;
  out.next = range.from;
  const auto& blocks = *picture.blocks;
  const auto& segments = *picture.segments;
  const auto tail = blocks.empty() ? range.below : blocks.front()->base();
  auto segment = segments.begin() + static_cast<std::ptrdiff_t>(segment_at(segments, range.from));
  for (; segment != segments.end() && out.next < tail; ++segment) {
    if ((*segment)->base() >= range.below) break;
    const auto before = out.bytes;
    auto done = (*segment)->read({out.next, range.bytes_max, range.below}, out);
    if (!done && out.bytes == 0) return pass(done);
    if (!done) return out;
    const bool stopped = out.bytes > 0 && (out.bytes == before || out.next < (*segment)->end());
    if (stopped || out.bytes >= range.bytes_max) return out;
  }
  if (out.bytes > 0 && out.bytes >= range.bytes_max) return out;
  if (auto done = read_blocks(blocks, range, out); !done) return pass(done);
  return out;
}

Result<std::optional<LastBatch>> find_last(const LogPicture& picture, Offset offset) {
  auto in_tail = find_last(*picture.blocks, offset);
  if (!in_tail || *in_tail) return in_tail;
  const auto& segments = *picture.segments;
  if (segments.empty()) return std::nullopt;
  // Below the right one only where that holds no batch that ends in time, or none at all.
  for (auto left = segment_at(segments, offset + -1) + 1; left > 0; --left) {
    const auto& segment = segments[left - 1];
    if (segment->base() >= offset) continue;
    auto last = segment->last_below(offset);
    if (!last || *last) return last;
  }
  return std::nullopt;
}

Result<Offset> find_time(const LogPicture& picture, std::int64_t timestamp_ms) {
  const auto& segments = *picture.segments;
  const auto written = picture.written();
  const auto first = segment_at(segments, picture.start);
  const auto& latest = *picture.latest_ms;
  for (auto i = first; i < segments.size();) {
    auto found = segments[i]->find_time(timestamp_ms, {picture.start, 0, written});
    if (!found) return pass(found);
    if (*found) return **found;
    const auto behind =
        latest.begin() + static_cast<std::ptrdiff_t>(std::min(i + 1, latest.size()));
    // Sealed ones that reach so far, then the last one, whose time still grows.
    i = std::max(i + 1, static_cast<std::size_t>(
                            std::lower_bound(behind, latest.end(), timestamp_ms) - latest.begin()));
  }
  return written;
}

}  // namespace xylem::storage
