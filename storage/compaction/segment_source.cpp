#include "storage/compaction/segment_source.h"

#include "common/batch/crc32c.h"
#include "storage/log_paths.h"
#include "storage/segment/chunk_checks.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {

SegmentSource::SegmentSource(std::unique_ptr<File> file, const SegmentFacts& facts)
    : file_(std::move(file)),
      facts_(facts),
      window_(*file_),
      state_{facts.base, 0, facts.base, kNoEpoch} {}

Result<std::unique_ptr<SegmentSource>> SegmentSource::open(Disk& disk,
                                                           const SealedFacts& sealed,
                                                           CompactionPace* pace) {
  const auto path = sealed.segment->path(kLogSuffix);
  auto file = disk.open(path, Disk::Open::kRead);
  if (!file) return pass(file);
  // The path may have named another file just now: retire() comes before any rename.
  if (sealed.segment->is_retired()) return fail(Errc::kNotFound, path + " is retired");
  std::unique_ptr<SegmentSource> source(new SegmentSource(std::move(*file), sealed.facts));
  if (pace == nullptr) return source;
  if (auto proven = source->prove(*pace); !proven) return pass(proven, path);
  return source;
}

Status SegmentSource::prove(CompactionPace& pace) const {
  Buffer chunk(kChunkBytes);
  std::int64_t at = 0;
  for (const auto crc : facts_.chunk_crcs) {
    const auto count = std::min<std::int64_t>(facts_.bytes - at, kChunkBytes);
    const auto room = MutableBytes(chunk).first(static_cast<std::size_t>(count));
    auto got = file_->read_at(at, room);
    if (!got) return pass(got);
    if (std::cmp_not_equal(*got, count) || crc32c(room) != crc)
      return fail(Errc::kCorrupt, "bytes from " + std::to_string(at) + " are not what was written");
    if (!pace.spend(count)) return fail(Errc::kCancelled, "the engine closes");
    at += count;
  }
  return {};
}

Result<std::optional<SegmentSource::Batch>> SegmentSource::next() {
  if (state_.position >= facts_.bytes) return std::nullopt;
  auto place = good_batch_at(window_, state_);
  if (!place) return pass(place);
  auto bytes = window_.at(state_.position, place->bytes);
  if (!bytes) return pass(bytes);
  state_ = {facts_.base, state_.position + static_cast<std::int64_t>(place->bytes), place->next,
            place->epoch};
  return Batch{*bytes, *place};
}

}  // namespace xylem::storage
