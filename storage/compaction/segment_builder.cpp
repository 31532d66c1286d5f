#include "storage/compaction/segment_builder.h"

#include "storage/log_paths.h"

#include <array>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::size_t kFlushBytes = 1024UL * 1024;

}  // namespace

SegmentBuilder::SegmentBuilder(std::unique_ptr<File> file, std::shared_ptr<Segment> segment)
    : file_(std::move(file)), segment_(std::move(segment)) {}

Result<std::unique_ptr<SegmentBuilder>> SegmentBuilder::begin(Disk& disk,
                                                              const std::string& directory,
                                                              Offset base) {
  auto segment = std::make_shared<Segment>(disk, directory, base);
  auto file = create_fresh(disk, segment->path(kLogSuffix) + std::string(kCompactingSuffix));
  if (!file) return pass(file);
  return std::unique_ptr<SegmentBuilder>(new SegmentBuilder(std::move(*file), std::move(segment)));
}

std::string SegmentBuilder::path() const {
  return segment_->path(kLogSuffix) + std::string(kCompactingSuffix);
}

std::int64_t SegmentBuilder::bytes() const {
  return segment_->bytes() + static_cast<std::int64_t>(waiting_.size());
}

Status SegmentBuilder::add(Bytes batch) {
  auto place = place_at(batch);
  if (!place) return pass(place);
  if (bytes() + static_cast<std::int64_t>(batch.size()) > kPositionMax ||
      !fits_index(base(), place->base))
    return fail(Errc::kInvalidRequest, "a compacted segment would be too large");
  held_.clear();
  append(batch, waiting_);
  places_.push_back(*place);
  return waiting_.size() >= kFlushBytes ? flush() : Status();
}

Status SegmentBuilder::flush() {
  const std::array pieces = {Bytes(waiting_)};
  if (auto wrote = file_->write_at(segment_->bytes(), pieces); !wrote) return wrote;
  std::vector<PlacedBatch> batches;
  batches.reserve(places_.size());
  std::size_t at = 0;
  for (const auto& place : places_) {
    batches.push_back({{nullptr, Bytes(waiting_).subspan(at, place.bytes)}, place});
    at += place.bytes;
  }
  segment_->wrote(batches, appended_ms_);
  waiting_.clear();
  places_.clear();
  return {};
}

Result<std::shared_ptr<Segment>> SegmentBuilder::finish() {
  if (!held_.empty()) {
    const auto last = std::exchange(held_, {});
    if (auto added = add(last); !added) return pass(added);
  }
  if (auto flushed = flush(); !flushed) return pass(flushed);
  if (auto synced = file_->sync(); !synced) return pass(synced);
  return segment_;
}

}  // namespace xylem::storage
