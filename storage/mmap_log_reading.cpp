// The half of MmapLog that any thread may call.
#include "storage/mmap_log.h"

#include <algorithm>
#include <string>

namespace xylem::storage {

Offset MmapLog::synced_end() const {
  return view_.load()->ends->synced.load(std::memory_order_acquire);
}

Offset MmapLog::durable_end() const {
  return flush_ == Flush::kNever ? written_end() : synced_end();
}

std::int64_t MmapLog::bytes() const {
  std::int64_t all = 0;
  for (const auto& segment : *view_.load()->segments) all += segment->bytes();
  return all;
}

Status MmapLog::health() const {
  if (auto good = writable(); !good) return good;
  const auto missing = lost();
  if (missing.empty()) return {};
  const auto& first = missing.front();
  return fail(Errc::kCorrupt, "offsets " + std::to_string(first.from.value()) + " to " +
                                  std::to_string((first.to + -1).value()) + " were lost (" +
                                  std::to_string(missing.size()) + " such ranges)");
}

// Runs `find` on a picture, and again on a newer one when it failed because that one had gone.
template <class Find>
auto MmapLog::on_picture(const Find& find) const {
  for (;;) {
    const auto picture = view_.load();
    auto found = find(*picture);
    if (found) return found;
    if (found.error().code() == Errc::kNotFound) {
      if (view_.load() != picture) continue;
      return decltype(found)(
          fail(Errc::kUnavailable, "a segment is just being replaced; read again"));
    }
    if (found.error().code() == Errc::kCorrupt) look_at(found.error());
    return found;
  }
}

Result<ReadResult> MmapLog::read(Offset from, std::size_t bytes_max, Offset below) const {
  for (;;) {
    const auto seen = view_.load();
    auto out = on_picture([&](const LogPicture& picture) -> Result<ReadResult> {
      const auto written = picture.written();
      if (from < picture.start || from > written)
        return fail(Errc::kOffsetOutOfRange, "the log holds " +
                                                 std::to_string(picture.start.value()) + " to " +
                                                 std::to_string(written.value()));
      return read_picture(picture, {from, bytes_max, std::min(below, written)});
    });
    // Nothing, though there may be something: the picture was older than the end it showed.
    const bool stale = out && out->bytes == 0 && view_.load() != seen;
    if (!stale) return out;
  }
}

Result<bool> MmapLog::warm_up(Offset from, std::size_t bytes_max) {
  loop_.check_here();
  // Who waited may read now, whatever was pushed out of memory again: each wait makes progress.
  if (auto found = warmed_.extract(from); !found.empty()) {
    const auto& warmed = found.mapped();
    if (!warmed.done) return std::unexpected(warmed.done.error());
    if (bytes_max <= warmed.bytes_max) return true;
  }
  const auto picture = view_.load();
  if (from < picture->start || from > picture->written()) return true;  // read() says why
  if (is_warm(*picture, {from, bytes_max, picture->written()})) return true;
  if (warming_.size() >= kWarmingMax || !warming_.insert(from).second) return false;
  const bool waits = context_.cold_readers.submit([weak = weak_from_this(), from, bytes_max] {
    if (const auto log = weak.lock()) log->bring_in(from, bytes_max);
  });
  if (!waits) warming_.erase(from);
  return !waits;  // with nobody left to wait, the loop does
}

void MmapLog::bring_in(Offset from, std::size_t bytes_max) {
  const Status done = on_picture([&](const LogPicture& picture) {
    return storage::warm_up(picture, {from, bytes_max, picture.written()});
  });
  context_.loop.answer([self = shared_from_this(), from, warmed = Warmed{done, bytes_max}] {
    self->loop_.check_here();
    self->warming_.erase(from);
    if (self->warmed_.size() >= kWarmingMax) self->warmed_.clear();  // of readers that went away
    self->warmed_.insert_or_assign(from, warmed);
    ++self->brought_in_;
    if (self->listener_) self->listener_();
  });
}

Result<Offset> MmapLog::offset_for_time(std::int64_t timestamp_ms) const {
  return on_picture([&](const LogPicture& picture) { return find_time(picture, timestamp_ms); });
}

Result<std::optional<LastBatch>> MmapLog::last_batch_below(Offset offset) const {
  return on_picture([&](const LogPicture& picture) { return find_last(picture, offset); });
}

std::vector<EpochStart> MmapLog::epochs() const { return order_.epochs(start_offset()); }

std::vector<SegmentInfo> MmapLog::segments() const {
  std::vector<SegmentInfo> all;
  const auto picture = view_.load();
  for (const auto& segment : *picture->segments) {
    all.push_back({segment->base(), segment->end(), segment->bytes(),
                   segment != picture->segments->back(), segment->path(".log")});
  }
  return all;
}

}  // namespace xylem::storage
