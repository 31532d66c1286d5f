#include "common/batch/batch.h"
#include "common/batch/crc32c.h"
#include "storage/log_paths.h"
#include "storage/recovery.h"
#include "storage/segment/chunk_checks.h"
#include "storage/segment/segment_scan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace xylem::storage {
namespace {

Status remove_if_there(Disk& disk, const std::string& path) {
  auto removed = disk.remove(path);
  if (!removed && removed.error().code() == Errc::kNotFound) return {};
  return removed;
}

// Copies what can be believed from a damaged file. A batch's own CRC leaves out its base offset and
// epoch; in a damaged chunk these are believed only where the batch fits its neighbours without a
// gap and the epochs are those that the index file recorded.
class Salvage {
 public:
  Salvage(const File& from, File& to, std::optional<SegmentFacts> facts)
      : from_(from), to_(to), window_(from), ahead_(from), facts_(std::move(facts)) {}

  Result<std::vector<OffsetRange>> run(Offset base, Offset until) {
    until_ = until;
    auto size = from_.size();
    if (!size) return pass(size);
    ScanState state{base, 0, base, kNoEpoch};
    bool skipped = false;
    while (state.position + static_cast<std::int64_t>(kBatchHeaderBytes) <= *size) {
      auto place = believable(state);
      if (!place && place.error().code() != Errc::kCorrupt) return pass(place);
      if (!place) {
        ++state.position;
        skipped = true;
        continue;
      }
      if (skipped && place->base > state.next) lost_.push_back({state.next, place->base});
      skipped = false;
      if (auto copied = copy(state.position, *place); !copied) return pass(copied);
      state = {base, state.position + static_cast<std::int64_t>(place->bytes), place->next,
               place->epoch};
    }
    if (state.next < until) lost_.push_back({state.next, until});
    if (auto synced = to_.sync(); !synced) return pass(synced);
    return std::move(lost_);
  }

 private:
  Result<BatchPlace> believable(const ScanState& state) {
    auto head = window_.at(state.position, kBatchHeaderBytes);
    if (!head) return pass(head);
    if (head->size() < kBatchHeaderBytes || (*head)[kMagicAt] != kMagic)
      return fail(Errc::kCorrupt, "no batch starts here");
    auto place = good_batch_at(window_, state);
    if (!place) return place;
    const auto end = state.position + static_cast<std::int64_t>(place->bytes);
    const bool recorded = facts_ && end <= facts_->bytes;
    if (recorded && (place->next > facts_->end || place->epoch != epoch_at(place->base)))
      return fail(Errc::kCorrupt, "not what the index recorded");
    if (recorded && chunks_hold(state.position, end)) return place;
    if (place->base == state.next || place->next == until_) return place;
    const auto follower = good_batch_at(ahead_, {state.base, end, place->next, place->epoch});
    if (follower && follower->base == place->next) return place;
    return fail(Errc::kCorrupt, "no neighbour confirms its offset");
  }

  [[nodiscard]] Epoch epoch_at(Offset offset) const {
    Epoch epoch = kNoEpoch;
    for (const auto& each : facts_->epochs) {
      if (each.start <= offset) epoch = each.epoch;
    }
    return epoch;
  }

  bool chunks_hold(std::int64_t begin, std::int64_t end) {
    for (auto chunk = begin / kChunk; chunk * kChunk < end; ++chunk) {
      if (chunk != proven_chunk_ && !chunk_holds(chunk)) return false;
      proven_chunk_ = chunk;
    }
    return true;
  }

  bool chunk_holds(std::int64_t chunk) {
    const auto bytes = std::min(kChunk, facts_->bytes - chunk * kChunk);
    const auto read = ahead_.at(chunk * kChunk, static_cast<std::size_t>(bytes));
    return read && std::cmp_equal(read->size(), bytes) &&
           crc32c(*read) == facts_->chunk_crcs.at(static_cast<std::size_t>(chunk));
  }

  Status copy(std::int64_t position, const BatchPlace& place) {
    auto batch = window_.at(position, place.bytes);
    if (!batch) return pass(batch);
    const std::array pieces = {*batch};
    auto wrote = to_.write_at(written_, pieces);
    written_ += static_cast<std::int64_t>(place.bytes);
    return wrote;
  }

  static constexpr std::int64_t kChunk = kChunkBytes;
  static constexpr std::size_t kMagicAt = 16;
  static constexpr std::byte kMagic{2};

  const File& from_;
  File& to_;
  FileWindow window_;
  FileWindow ahead_;
  std::optional<SegmentFacts> facts_;
  Offset until_;
  std::int64_t proven_chunk_ = -1;
  std::int64_t written_ = 0;
  std::vector<OffsetRange> lost_;
};

Result<std::string> free_quarantine_name(Disk& disk, const std::string& log) {
  auto name = log + std::string(kQuarantinedSuffix);
  for (int number = 2;; ++number) {
    auto taken = disk.exists(name);
    if (!taken) return pass(taken);
    if (!*taken) return name;
    name = log + "." + std::to_string(number) + std::string(kQuarantinedSuffix);
  }
}

}  // namespace

Status remove_indexes(Disk& disk, const Segment& segment) {
  if (auto done = remove_if_there(disk, segment.path(kIndexSuffix)); !done) return done;
  return remove_if_there(disk, segment.path(kTimeIndexSuffix));
}

Result<Repaired> quarantine_segment(const RecoveryContext& context, Offset base, Offset until) {
  auto& disk = context.disk;
  const Segment names(disk, context.directory, base);
  const auto log = names.path(kLogSuffix);
  const auto copy = log + std::string(kReplacementSuffix);
  std::vector<OffsetRange> lost;
  {
    auto from = disk.open(log, Disk::Open::kRead);
    if (!from) return pass(from);
    auto to = create_fresh(disk, copy);
    if (!to) return pass(to);
    auto size = (*from)->size();
    if (!size) return pass(size);
    auto salvaged = Salvage(**from, **to, stored_facts(disk, names, *size)).run(base, until);
    if (!salvaged) return pass(salvaged, "salvage " + log);
    lost = std::move(*salvaged);
  }
  auto aside = free_quarantine_name(disk, log);
  if (!aside) return pass(aside);
  if (auto gone = remove_indexes(disk, names); !gone) return pass(gone);
  // In this order: a crash in between leaves the copy, which the next recovery puts in place.
  if (auto moved = disk.rename(log, *aside); !moved) return pass(moved);
  if (auto moved = disk.rename(copy, log); !moved) return pass(moved);
  if (auto synced = disk.sync_directory(context.directory); !synced) return pass(synced);

  std::int64_t offsets = 0;
  for (const auto& range : lost) offsets += range.to - range.from;
  context.metrics.corrupt_batches.add(std::max<std::size_t>(lost.size(), 1));
  context.metrics.quarantined_segments.add();
  context.metrics.lost_offsets.add(static_cast<std::uint64_t>(offsets));
  context.logger.error("storage.quarantined",
                       {{"file", *aside}, {"lost_ranges", lost.size()}, {"lost_offsets", offsets}});
  auto segment = walk_segment(context, base);
  if (!segment) return pass(segment);
  return Repaired{std::move(*segment), std::move(lost)};
}

}  // namespace xylem::storage
