#include "common/batch/batch.h"
#include "common/batch/crc32c.h"
#include "storage/log_paths.h"
#include "storage/recovery.h"
#include "storage/segment/chunk_checks.h"
#include "storage/segment/segment_scan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <utility>

namespace xylem::storage {
namespace {

Status remove_if_there(Disk& disk, const std::string& path) {
  auto removed = disk.remove(path);
  if (!removed && removed.error().code() == Errc::kNotFound) return {};
  return removed;
}

// A file as far as the device can read it: pages that it cannot are zeroes, which are no batch.
class ReadablePages final : public File {
 public:
  explicit ReadablePages(const File& file) : file_(file) {}

  [[nodiscard]] Result<std::size_t> read_at(std::int64_t position,
                                            MutableBytes out) const override {
    auto whole = file_.read_at(position, out);
    if (whole || whole.error().code() != Errc::kIo) return whole;
    auto size = file_.size();
    if (!size) return pass(size);
    const auto left = std::max<std::int64_t>(*size - position, 0);
    out = out.first(std::min(out.size(), static_cast<std::size_t>(left)));
    for (std::size_t at = 0; at < out.size();) {
      const auto in_page = kPage - (static_cast<std::size_t>(position) + at) % kPage;
      const auto page = out.subspan(at, std::min(in_page, out.size() - at));
      const auto got = file_.read_at(position + static_cast<std::int64_t>(at), page);
      if (!got || *got < page.size()) std::ranges::fill(page, std::byte{0});
      at += page.size();
    }
    return out.size();
  }

  [[nodiscard]] Result<std::int64_t> size() const override { return file_.size(); }

  Status write_at(std::int64_t, std::span<const Bytes>) override { return read_only(); }

  Status allocate(std::int64_t) override { return read_only(); }

  Status truncate(std::int64_t) override { return read_only(); }

  Status sync() override { return read_only(); }

  Status forget_cached() override { return read_only(); }

  [[nodiscard]] Result<Slice> map(std::int64_t) const override {
    return std::unexpected(read_only().error());
  }

  [[nodiscard]] int descriptor() const noexcept override { return -1; }

 private:
  static constexpr std::size_t kPage = 4096;

  static Status read_only() { return fail(Errc::kInvalidRequest, "only to be read"); }

  const File& file_;
};

Segment names_of(const RecoveryContext& context, Offset base) {
  return {context.disk, context.directory, base};
}

// Copies what can be believed from a damaged file, each run of good batches to a replacement of its
// own. A batch's own CRC leaves out its base offset and epoch; in a damaged chunk these are
// believed only where the batch fits its neighbours without a gap and the epochs are those that the
// index file recorded.
class Salvage {
 public:
  Salvage(const RecoveryContext& context,
          const File& from,
          const DamagedRange& damaged,
          const SalvageOptions& options)
      : context_(context),
        damaged_(damaged),
        goes_on_(options.goes_on),
        from_(from),
        window_(from),
        ahead_(from) {
    good_.suffix = options.suffix;
  }

  Status run() {
    auto size = from_.size();
    if (!size) return pass(size);
    const auto base = damaged_.base;
    auto facts = stored_facts(context_.disk, names_of(context_, base), *size);
    if (!facts) return pass(facts);
    facts_ = std::move(*facts);
    if (auto begun = begin_part(base); !begun) return begun;
    ScanState state{base, 0, base, kNoEpoch};
    bool skipped = false;
    while (state.position + static_cast<std::int64_t>(kBatchHeaderBytes) <= *size) {
      if (!goes_on_()) return fail(Errc::kCancelled, "not wanted any more");
      auto place = believable(state);
      if (!place && place.error().code() != Errc::kCorrupt) return pass(place);
      if (!place) {
        ++state.position;
        skipped = true;
        continue;
      }
      if (skipped && place->base > state.next) {
        lose(state.next, place->base);
        if (auto begun = begin_part(place->base); !begun) return begun;
      }
      skipped = false;
      if (auto copied = copy(state.position, *place); !copied) return pass(copied);
      state = {base, state.position + static_cast<std::int64_t>(place->bytes), place->next,
               place->epoch};
    }
    if (state.next < damaged_.end_min) lose(state.next, damaged_.end_min);
    return to_->sync();
  }

  [[nodiscard]] const SalvagedSegment& good() const { return good_; }

 private:
  void lose(Offset from, Offset to) {
    ++good_.lost_ranges;
    good_.lost_offsets += to - from;
  }

  Status begin_part(Offset base) {
    if (to_ != nullptr) {
      if (auto synced = to_->sync(); !synced) return synced;
    }
    auto part = std::make_shared<Segment>(context_.disk, context_.directory, base);
    auto file = create_fresh(context_.disk, part->path(kLogSuffix) + good_.suffix);
    if (!file) return pass(file);
    to_ = std::move(*file);
    good_.parts.push_back(std::move(part));
    return {};
  }

  Result<BatchPlace> believable(const ScanState& state) {
    auto head = window_.at(state.position, kBatchHeaderBytes);
    if (!head) return pass(head);
    if (head->size() < kBatchHeaderBytes || (*head)[kMagicAt] != kMagic)
      return fail(Errc::kCorrupt, "no batch starts here");
    auto place = good_batch_at(window_, state);
    if (!place) return place;
    if (place->next > damaged_.end_max) return fail(Errc::kCorrupt, "it belongs further on");
    const auto end = state.position + static_cast<std::int64_t>(place->bytes);
    const bool recorded = facts_ && end <= facts_->bytes;
    if (recorded && (place->next > facts_->end || place->epoch != epoch_at(place->base)))
      return fail(Errc::kCorrupt, "not what the index recorded");
    if (recorded && chunks_hold(state.position, end)) return place;
    if (is_outlier(*place, state)) return fail(Errc::kCorrupt, "its neighbours' epochs are lower");
    if (place->base == state.next) return place;
    const auto follower = good_batch_at(ahead_, {state.base, end, state.base, kNoEpoch});
    if (follower ? follower->base == place->next : place->next == damaged_.end_min) return place;
    return fail(Errc::kCorrupt, "no neighbour confirms its offset");
  }

  // Whether its epoch is the one that does not fit in with those around it.
  bool is_outlier(const BatchPlace& place, const ScanState& state) {
    const auto end = state.position + static_cast<std::int64_t>(place.bytes);
    const auto first = good_batch_at(ahead_, {state.base, end, place.next, kNoEpoch});
    if (!first || first->base != place.next || first->epoch >= place.epoch) return false;
    if (state.epoch != kNoEpoch) return first->epoch >= state.epoch;
    const auto second = good_batch_at(
        ahead_, {state.base, end + static_cast<std::int64_t>(first->bytes), first->next, kNoEpoch});
    return !second || second->base != first->next || second->epoch < place.epoch;
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
    auto& part = *good_.parts.back();
    const std::array pieces = {*batch};
    if (auto wrote = to_->write_at(part.bytes(), pieces); !wrote) return wrote;
    const std::array copied = {PlacedBatch{{nullptr, *batch}, place}};
    part.wrote(copied, context_.now_ms);
    return {};
  }

  static constexpr std::int64_t kChunk = kChunkBytes;
  static constexpr std::size_t kMagicAt = 16;
  static constexpr std::byte kMagic{2};

  const RecoveryContext& context_;
  const DamagedRange damaged_;
  const std::function<bool()>& goes_on_;
  const File& from_;
  std::unique_ptr<File> to_;
  FileWindow window_;
  FileWindow ahead_;
  std::optional<SegmentFacts> facts_;
  std::int64_t proven_chunk_ = -1;
  SalvagedSegment good_;
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

// After a crash the next recovery finds either the old file, which now ends where the next
// replacement begins, or, where that has gone aside, the whole replacement that takes its name.
Status exchange(const RecoveryContext& context, const SalvagedSegment& good) {
  auto& disk = context.disk;
  const auto log = good.parts.front()->path(kLogSuffix);
  const auto rename = [&](const std::string& from, const std::string& to) -> Status {
    if (auto moved = disk.rename(from, to); !moved) return moved;
    return disk.sync_directory(context.directory);
  };
  for (const auto& part : std::views::reverse(good.parts)) {
    const auto name = part->path(kLogSuffix);
    const auto to = part == good.parts.front() ? name + std::string(kWholeSuffix) : name;
    if (auto moved = rename(name + good.suffix, to); !moved) return moved;
  }
  auto aside = free_quarantine_name(disk, log);
  if (!aside) return pass(aside);
  if (auto moved = disk.rename(log, *aside); !moved) return moved;
  return rename(log + std::string(kWholeSuffix), log);
}

}  // namespace

Status remove_indexes(Disk& disk, const Segment& segment) {
  if (auto done = remove_if_there(disk, segment.path(kIndexSuffix)); !done) return done;
  return remove_if_there(disk, segment.path(kTimeIndexSuffix));
}

Result<SalvagedSegment> salvage_segment(const RecoveryContext& context,
                                        const DamagedRange& damaged,
                                        const SalvageOptions& options) {
  const auto log = names_of(context, damaged.base).path(kLogSuffix);
  auto from = context.disk.open(log, Disk::Open::kRead);
  if (!from) return pass(from);
  const ReadablePages readable(**from);
  Salvage salvage(context, readable, damaged, options);
  if (auto copied = salvage.run(); !copied) {
    discard(context.disk, salvage.good());
    return pass(copied, "salvage " + log);
  }
  return salvage.good();
}

Status put_in_place(const RecoveryContext& context, const SalvagedSegment& good) {
  if (auto placed = exchange(context, good); !placed) return placed;
  const auto& first = *good.parts.front();
  // Not earlier: without it nobody could tell that an epoch in the old file is not what it was.
  if (auto gone = remove_indexes(context.disk, first); !gone) return gone;

  context.metrics.corrupt_batches.add(std::max<std::uint64_t>(good.lost_ranges, 1));
  context.metrics.quarantined_segments.add();
  context.logger.error("storage.quarantined", {{"file", first.path(kLogSuffix)},
                                               {"lost_ranges", good.lost_ranges},
                                               {"lost_offsets", good.lost_offsets}});
  return {};
}

void discard(Disk& disk, const SalvagedSegment& good) {
  for (const auto& part : good.parts) (void)disk.remove(part->path(kLogSuffix) + good.suffix);
}

Result<SegmentList> quarantine_segment(const RecoveryContext& context,
                                       const DamagedRange& damaged) {
  auto good = salvage_segment(context, damaged);
  if (!good) return pass(good);
  if (auto placed = put_in_place(context, *good); !placed) return pass(placed);
  return std::move(good->parts);
}

}  // namespace xylem::storage
