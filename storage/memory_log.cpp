#include "storage/memory_log.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::size_t kBlockBytesMax = 16ULL * 1024 * 1024;

Tail::Options blocks_of(const LogOptions& options) {
  Tail::Options blocks;
  blocks.block_bytes_max = std::min(options.segment_bytes_max, kBlockBytesMax);
  blocks.block_bytes_min = std::min(blocks.block_bytes_min, blocks.block_bytes_max);
  return blocks;
}

}  // namespace

MemoryLog::MemoryLog(LogName name, const LogOptions& options, Loop& loop, const Clock& clock)
    : name_(std::move(name)),
      loop_(loop),
      clock_(clock),
      trusted_clock_(clock),
      options_(options),
      order_(Offset(0), {}),
      tail_(blocks_of(options)),
      view_(std::make_shared<const View>(
          View{std::make_shared<std::atomic<Offset>>(Offset(0)), Offset(0), {}})),
      compaction_(std::make_shared<const CompactionBounds>()) {}

Status MemoryLog::check_open() const {
  loop_.check_here();
  if (closed_) return fail(Errc::kCancelled, "the log is closed");
  return {};
}

Result<Offset> MemoryLog::append(Bytes batch, Epoch epoch) {
  loop_.check_here();
  if (auto open = check_open(); !open) return pass(open);
  auto place = order_.accept(batch, epoch);
  if (!place) return pass(place);
  if (auto posted = announce_later(); !posted) return pass(posted);
  add(batch, *place);
  return place->base;
}

Status MemoryLog::append_as_is(Bytes batches) {
  loop_.check_here();
  if (auto open = check_open(); !open) return open;
  auto places = order_.accept_as_is(batches);
  if (!places) return pass(places);
  if (auto posted = announce_later(); !posted) return posted;
  for (const auto& place : *places) {
    add(batches.first(place.bytes), place);
    batches = batches.subspan(place.bytes);
  }
  return {};
}

void MemoryLog::add(Bytes batch, const BatchPlace& place) {
  loop_.check_here();
  const bool new_block = tail_.add(batch, place).list_changed;
  if (new_block) appended_ms_.push_back(0);
  appended_ms_.back() = clock_.wall_ms();
  order_.add(place);
  if (new_block) publish(start_offset(), false);
}

void MemoryLog::publish(Offset start, bool new_history) {
  loop_.check_here();
  auto written = view_.load()->written;
  if (new_history) {
    const auto end = std::clamp(written->load(std::memory_order_acquire), start, order_.end());
    written = std::make_shared<std::atomic<Offset>>(end);
  }
  view_.store(std::make_shared<const View>(View{std::move(written), start, tail_.blocks()}));
}

Status MemoryLog::announce_later() {
  loop_.check_here();
  if (announcing_) return {};
  if (!loop_.post([self = weak_from_this()] {
        if (const auto log = self.lock()) log->announce();
      }))
    return fail(Errc::kUnavailable, "the writer's loop is overloaded");
  announcing_ = true;
  return {};
}

void MemoryLog::announce() {
  loop_.check_here();
  announcing_ = false;
  view_.load()->written->store(order_.end(), std::memory_order_release);
  if (listener_ && !closed_) listener_();
}

Status MemoryLog::cut_back(Offset offset) {
  loop_.check_here();
  if (auto open = check_open(); !open) return open;
  if (offset >= order_.end()) return {};
  if (auto cut = tail_.cut_back(offset); !cut) return cut;
  if (offset <= start_offset()) tail_.drop_before(kOffsetMax);  // what was dropped before
  const auto bounds = compaction();
  compaction_.store(std::make_shared<const CompactionBounds>(CompactionBounds{
      std::min(bounds.compacted_below, offset), std::min(bounds.tombstone_horizon, offset)}));
  appended_ms_.resize(tail_.blocks().size());
  const auto start = std::min(start_offset(), offset);
  const auto kept = tail_.blocks().empty() ? start : tail_.blocks().back()->next();
  order_.cut_back(std::max(start, kept));
  publish(start, true);
  return {};
}

Status MemoryLog::drop_before(Offset offset) {
  loop_.check_here();
  if (auto open = check_open(); !open) return open;
  if (offset <= start_offset()) return {};
  tail_.drop_before(offset);
  appended_ms_.erase(appended_ms_.begin(),
                     appended_ms_.end() - static_cast<std::ptrdiff_t>(tail_.blocks().size()));
  order_.drop_before(offset);
  publish(offset, true);
  return {};
}

Status MemoryLog::retain() {
  loop_.check_here();
  const auto& blocks = tail_.blocks();
  std::vector<SegmentAge> ages;
  ages.reserve(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    ages.push_back({static_cast<std::int64_t>(blocks[i]->run().bytes.size()),
                    blocks[i]->max_timestamp_ms(), appended_ms_[i]});
  }
  auto count = expired_segments(ages, {options_.retention_bytes, options_.retention_ms},
                                trusted_clock_.now_ms());
  while (count > 0 && blocks[count]->base() > final_below_) --count;
  if (count == 0 || blocks[count]->base() > written_end()) return {};
  return drop_before(blocks[count]->base());
}

Status MemoryLog::inherit_compaction(const CompactionBounds& bounds) {
  loop_.check_here();
  auto now = bounds;
  if (start_offset() != end_offset()) {
    now.compacted_below = std::max(compaction().compacted_below, bounds.compacted_below);
  }
  compaction_.store(std::make_shared<const CompactionBounds>(now));
  return {};
}

void MemoryLog::set_options(const LogOptions& options) {
  loop_.check_here();
  options_ = options;
}

void MemoryLog::set_listener(Listener listener) {
  loop_.check_here();
  listener_ = std::move(listener);
}

Offset MemoryLog::written_end() const {
  return view_.load()->written->load(std::memory_order_acquire);
}

std::int64_t MemoryLog::bytes() const {
  std::size_t held = 0;
  for (const auto& block : view_.load()->blocks) held += block->run().bytes.size();
  return static_cast<std::int64_t>(held);
}

Result<ReadResult> MemoryLog::read(Offset from, std::size_t bytes_max, Offset below) const {
  for (;;) {
    const auto view = view_.load();
    const auto written = view->written->load(std::memory_order_acquire);
    if (from < view->start || from > written)
      return fail(Errc::kOffsetOutOfRange, "the log holds " + std::to_string(view->start.value()) +
                                               " to " + std::to_string(written.value()));
    ReadResult out;
    out.next = from;
    auto done = read_blocks(view->blocks, {from, bytes_max, std::min(below, written)}, out);
    if (!done) return pass(done);
    const bool stale = out.bytes == 0 && view_.load() != view;
    if (!stale) return out;
  }
}

Result<Offset> MemoryLog::offset_for_time(std::int64_t timestamp_ms) const {
  const auto view = view_.load();
  const auto written = view->written->load(std::memory_order_acquire);
  for (const auto& block : view->blocks) {
    if (block->max_timestamp_ms() < timestamp_ms) continue;
    auto found = find_time(block->run(), 0, timestamp_ms, {view->start, 0, written});
    if (!found) return pass(found);
    if (*found) return **found;
  }
  return written;
}

Result<std::optional<LastBatch>> MemoryLog::last_batch_below(Offset offset) const {
  return find_last(view_.load()->blocks, offset);
}

std::vector<EpochStart> MemoryLog::epochs() const { return order_.epochs(start_offset()); }

std::vector<SegmentInfo> MemoryLog::segments() const {
  std::vector<SegmentInfo> all;
  const auto view = view_.load();
  for (const auto& block : view->blocks) {
    all.push_back({block->base(), block->next(),
                   static_cast<std::int64_t>(block->run().bytes.size()),
                   block != view->blocks.back(), ""});
  }
  return all;
}

Status MemoryLog::close() {
  loop_.check_here();
  if (!closed_) view_.load()->written->store(order_.end(), std::memory_order_release);
  closed_ = true;
  listener_ = nullptr;
  return {};
}

}  // namespace xylem::storage
