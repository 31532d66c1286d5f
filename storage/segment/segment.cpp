#include "storage/segment/segment.h"

#include "common/batch/batch.h"
#include "storage/disk.h"
#include "storage/log_paths.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::size_t kReadAheadChunks = 3;

// Positions [begin, end) of a segment.
struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What reading `range` and the batch before it looks at, all of it within `bytes`.
Stretch stretch_of(const SparseIndex& index, const ReadRange& range, std::size_t bytes) {
  const auto position = [&](std::size_t entry) {
    return entry < index.size() ? std::min<std::size_t>(index[entry].position, bytes) : bytes;
  };
  const auto before = index.floor(range.from + -1);
  // The first batch begins there at the latest: behind a large one where `from` is in a hole.
  const auto first = before < index.size() ? before + 1 : 0;
  const auto enough = position(first) + std::min(range.bytes_max, bytes);
  const auto first_end = position(first + 1);  // however large it is
  return {first < 2 ? 0 : position(first - 2),
          std::min(std::max(enough, first_end) + kBatchHeaderBytes, bytes)};
}

}  // namespace

Segment::Segment(Disk& disk, const std::string& directory, Offset base)
    : disk_(disk),
      stem_(directory + "/" + segment_stem(base)),
      base_(base),
      end_(base),
      writable_index_(std::make_shared<SparseIndex>(base)),
      writable_times_(std::make_shared<TimeIndex>()),
      index_(writable_index_),
      times_(writable_times_) {}

Segment::Segment(Disk& disk, const std::string& directory, const SegmentFacts& facts)
    : disk_(disk),
      stem_(directory + "/" + segment_stem(facts.base)),
      base_(facts.base),
      end_(facts.end),
      bytes_(facts.bytes),
      max_timestamp_ms_(facts.max_timestamp_ms),
      appended_ms_(facts.appended_ms),
      checks_(&disk),
      epochs_(facts.epochs) {
  checks_.restore(facts.chunk_crcs, static_cast<std::size_t>(facts.bytes));
}

std::string Segment::path(std::string_view suffix) const { return stem_ + std::string(suffix); }

Result<Slice> Segment::mapping(std::int64_t bytes_min) const {
  const auto mapped = mapping_.load();
  const auto bytes = this->bytes();
  if (mapped != nullptr && std::cmp_greater_equal(mapped->bytes.size(), std::min(bytes_min, bytes)))
    return Slice{mapped->owner, mapped->bytes};
  if (retired_.load()) return fail(Errc::kNotFound, path(kLogSuffix) + " is retired");
  auto file = disk_.open(path(kLogSuffix), Disk::Open::kRead);
  if (!file) return pass(file);
  auto size = (*file)->size();
  if (!size) return pass(size);
  if (*size < bytes)
    return fail(Errc::kCorrupt, path(kLogSuffix) + " is shorter than what was written");
  auto slice = (*file)->map(bytes);
  if (!slice) return slice;
  // The path may have named another file just now: retire() comes before any rename.
  if (retired_.load()) return fail(Errc::kNotFound, path(kLogSuffix) + " is retired");
  mapping_.store(std::make_shared<const Slice>(*slice));
  if (mapped == nullptr && counted_in_ != nullptr) counted_in_->add(weak_from_this());
  return slice;
}

bool Segment::unmap_unless_used() const {
  if (used_.exchange(false)) return false;
  mapping_.store(nullptr);
  return true;
}

Result<Segment::Window> Segment::window() const { return window(bytes()); }

Result<Segment::Window> Segment::window(std::int64_t bytes_min) const {
  auto mapped = mapping(bytes_min);
  if (!mapped) return pass(mapped);
  if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  const BatchRun run{mapped->bytes, &checks_};
  return Window{std::move(*mapped), run};
}

std::unexpected<Error> Segment::failed(Error error) const {
  if (error.code() == Errc::kCorrupt) suspect_ = true;
  return std::unexpected(std::move(error).within(path(kLogSuffix)));
}

Result<std::shared_ptr<SparseIndex>> Segment::walk() const {
  auto index = std::make_shared<SparseIndex>(base_);
  auto mapped = window();
  if (!mapped) return pass(mapped);
  const auto& run = mapped->run;
  for (std::size_t at = 0; at < run.bytes.size();) {
    auto batch = run.place(at);
    if (!batch) return pass(batch);
    if (!fits_index(base_, batch->base) || batch->next > end())
      return fail(Errc::kCorrupt, "offsets outside its range");
    index->add(batch->base, at);
    at += batch->bytes;
  }
  return index;
}

Result<std::shared_ptr<const SparseIndex>> Segment::index() const {
  if (auto known = index_.load()) return known;
  auto stored = read_file(disk_, path(kIndexSuffix), kIndexBytesMax);
  if (stored && !retired_.load()) {  // else it may be the file of the segment in its place
    auto decoded = decode_index(*stored);
    if (decoded && (*decoded)->base() == base_) {
      index_.store(*decoded);
      return *decoded;
    }
  }
  auto walked = walk();
  if (!walked) return pass(walked);
  index_.store(*walked);
  return *walked;
}

std::shared_ptr<const TimeIndex> Segment::times() const {
  if (auto known = times_.load()) return known;
  const auto stored = read_file(disk_, path(kTimeIndexSuffix), kIndexBytesMax);
  if (!stored || retired_.load()) return nullptr;
  auto decoded = decode_time_index(*stored, base_);
  return decoded ? *decoded : nullptr;
}

Status Segment::read(const ReadRange& range, ReadResult& out) const {
  if (bytes() == 0 || end() <= range.from) return {};
  auto known = index();
  if (!known) return failed(std::move(known).error());
  const auto room = range.bytes_max - std::min(out.bytes, range.bytes_max);
  const auto position = (*known)->position_below(range.from);
  // An older mapping will do, as long as it holds all of the range.
  auto here = window(static_cast<std::int64_t>(position) + 1);
  if (!here) return failed(std::move(here).error());
  auto found = find_batches(here->run, position, {range.from, room, range.below});
  const auto mapped = here->run.bytes.size();
  if (found && found->end == mapped && std::cmp_less(mapped, bytes())) {
    here = window();
    if (!here) return failed(std::move(here).error());
    found = find_batches(here->run, position, {range.from, room, range.below});
  }
  if (!found) return failed(std::move(found).error());
  const auto count = found->end - found->begin;
  if (count == 0 || (out.bytes > 0 && count > room)) return {};
  out.slices.push_back(here->mapped.sub(found->begin, count));
  out.bytes += count;
  out.next = found->next;
  return {};
}

std::int64_t Segment::bytes_above(Offset offset) const {
  const auto bytes = this->bytes();
  if (offset <= base_) return bytes;
  const auto known = index_.load();
  if (known == nullptr) return 0;
  const auto above = known->floor(offset) + 1;
  if (above >= known->size()) return 0;
  return std::max<std::int64_t>(bytes - (*known)[above].position, 0);  // it may not be written yet
}

bool Segment::is_warm(const ReadRange& range) const {
  if (bytes() == 0) return true;
  const auto known = index_.load();
  if (known == nullptr || mapping_.load() == nullptr) return false;
  const auto position = known->position_below(range.from);
  const auto here = window(static_cast<std::int64_t>(position) + 1);
  if (!here) return true;  // read() says why
  const auto part = stretch_of(*known, range, here->run.bytes.size());
  return checks_.are_proven(part.begin, part.end) &&
         disk_.is_resident(here->run.bytes.subspan(part.begin, part.end - part.begin));
}

Status Segment::warm_up(const ReadRange& range) const {
  if (bytes() == 0) return {};
  const auto known = index();
  if (!known) return failed(known.error());
  const auto here = window();
  if (!here) return failed(here.error());
  const auto run = here->run.bytes;
  auto part = stretch_of(**known, range, run.size());
  // Whole chunks, as they are proven: in one request of the disk.
  if (!checks_.are_proven(part.begin, part.end)) part.begin -= part.begin % kChunkBytes;
  part.end = std::min((part.end / kChunkBytes + 1 + kReadAheadChunks) * kChunkBytes, run.size());
  if (auto there = disk_.bring_in(run.subspan(part.begin, part.end - part.begin)); !there)
    return failed(Error(Errc::kCorrupt, there.error().what()));
  auto proven = checks_.ensure(run, part.begin, part.end);
  return proven ? proven : failed(proven.error());
}

Result<std::int64_t> Segment::position_of(Offset offset) const {
  if (bytes() == 0 || offset <= base_) return 0;
  auto known = index();
  if (!known) return failed(std::move(known).error());
  auto here = window();
  if (!here) return failed(std::move(here).error());
  auto found = find_start(here->run, (*known)->position_below(offset + -1), offset);
  if (!found) return failed(std::move(found).error());
  return static_cast<std::int64_t>(*found);
}

Result<std::optional<LastBatch>> Segment::last_below(Offset offset) const {
  if (bytes() == 0 || offset <= base_) return std::nullopt;
  auto known = index();
  if (!known) return failed(std::move(known).error());
  auto here = window();
  if (!here) return failed(std::move(here).error());
  const auto& entries = **known;
  const auto entry = entries.floor(offset + -1);
  for (auto left = entry < entries.size() ? entry + 1 : 0; left > 0; --left) {
    auto last = storage::find_last(here->run, entries[left - 1].position, offset);
    if (!last) return failed(std::move(last).error());
    if (*last) return last;
  }
  return std::nullopt;
}

Result<std::optional<Offset>> Segment::find_time(std::int64_t timestamp_ms,
                                                 const ReadRange& range) const {
  if (bytes() == 0 || max_timestamp_ms() < timestamp_ms) return std::nullopt;
  auto here = window();
  if (!here) return failed(std::move(here).error());
  const auto known = times();
  auto position = known == nullptr ? 0 : known->position_for(timestamp_ms);
  if (position >= here->run.bytes.size()) position = 0;  // not this file's index after all
  auto found = storage::find_time(here->run, position, timestamp_ms, range);
  if (!found) return failed(std::move(found).error());
  return found;
}

void Segment::wrote(std::span<const PlacedBatch> batches, std::int64_t now_ms) {
  XYLEM_CHECK(writable_index_ != nullptr && writable_times_ != nullptr);
  auto position = static_cast<std::size_t>(bytes());
  auto latest = max_timestamp_ms();
  for (const auto& [slice, place] : batches) {
    writable_index_->add(place.base, position);
    writable_times_->add(position, place.max_timestamp_ms);
    checks_.extend(slice.bytes, place.crc);
    add_epoch(place.epoch, place.base);
    latest = std::max(latest, place.max_timestamp_ms);
    position += place.bytes;
  }
  max_timestamp_ms_.store(latest, std::memory_order_release);
  appended_ms_.store(std::max(appended_ms(), now_ms), std::memory_order_release);
  bytes_.store(static_cast<std::int64_t>(position), std::memory_order_release);
  if (!batches.empty()) end_.store(batches.back().place.next, std::memory_order_release);
}

void Segment::add_epoch(Epoch epoch, Offset start) {
  if (epoch > (epochs_.empty() ? kNoEpoch : epochs_.back().epoch))
    epochs_.push_back({epoch, start});
}

Status Segment::prepare_to_write() {
  if (writable_index_ == nullptr) {
    auto known = index();
    if (!known) return pass(known);
    auto copy = std::make_shared<SparseIndex>(base_);
    for (std::size_t i = 0; i < (*known)->size(); ++i) XYLEM_CHECK(copy->restore((**known)[i]));
    writable_index_ = std::move(copy);
    index_.store(writable_index_);
  }
  if (writable_times_ == nullptr) {
    writable_times_ = std::make_shared<TimeIndex>();
    if (const auto known = times()) {
      for (std::size_t i = 0; i < known->size(); ++i)
        XYLEM_CHECK(writable_times_->restore((*known)[i]));
    }
    writable_times_->reach(max_timestamp_ms());
    times_.store(writable_times_);
  }
  return {};
}

SegmentFacts Segment::facts() const {
  return {base_, end(), bytes(), max_timestamp_ms(), appended_ms(), epochs_, checks_.crcs()};
}

Result<Buffer> Segment::encoded_index() const {
  auto known = index();
  if (!known) return pass(known);
  return encode_index(facts(), **known);
}

Result<Buffer> Segment::encoded_time_index() const {
  const auto known = times();
  if (known == nullptr) return fail(Errc::kNotFound, path(kTimeIndexSuffix));
  return encode_time_index(base_, *known);
}

}  // namespace xylem::storage
