#include "storage/segment/segment_writer.h"

#include "storage/log_paths.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace xylem::storage {
namespace {

constexpr std::size_t kZeroBytes = 64UL * 1024;
constexpr std::array<std::byte, kZeroBytes> kZeroes{};
constexpr std::int64_t kPageBytes = 4096;

// Slices that lie one behind the other in memory become one piece.
std::vector<Bytes> pieces_of(std::span<const PlacedBatch> batches) {
  std::vector<Bytes> pieces;
  for (const auto& batch : batches) {
    const auto bytes = batch.slice.bytes;
    if (!pieces.empty() && pieces.back().data() + pieces.back().size() == bytes.data())
      pieces.back() = Bytes(pieces.back().data(), pieces.back().size() + bytes.size());
    else
      pieces.push_back(bytes);
  }
  return pieces;
}

}  // namespace

SegmentWriter::SegmentWriter(std::unique_ptr<File> file,
                             std::shared_ptr<Segment> segment,
                             std::int64_t allocated)
    : file_(std::move(file)),
      segment_(std::move(segment)),
      allocated_(allocated),
      filled_(allocated),
      begun_(segment_->bytes()) {
  segment_->set_open(true);
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::open(Disk& disk,
                                                           std::shared_ptr<Segment> segment) {
  const auto path = segment->path(kLogSuffix);
  auto file = disk.open(path, Disk::Open::kWrite);
  if (!file && file.error().code() == Errc::kNotFound) {
    if (segment->bytes() != 0) return pass(file, "the file of a written segment is gone");
    file = disk.open(path, Disk::Open::kCreate);
    if (!file) return pass(file);
    if (auto synced = disk.sync_directory(directory_of(path)); !synced) return pass(synced);
  }
  if (!file) return pass(file);
  auto size = (*file)->size();
  if (!size) return pass(size);
  if (auto ready = segment->prepare_to_write(); !ready) return pass(ready);
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(*file), std::move(segment), *size));
}

bool SegmentWriter::has_room(const BatchPlace& place, std::int64_t behind_bytes) const {
  const auto position = segment_->bytes() + behind_bytes;
  const auto end = position + static_cast<std::int64_t>(place.bytes);
  if (!fits_index(segment_->base(), place.base) || end > kPositionMax) return false;
  return position == 0 || end <= segment_bytes_max_;
}

bool SegmentWriter::has_room_ahead(const BatchPlace& last, std::int64_t bytes) const {
  const auto end = segment_->bytes() + bytes;
  return end <= allocated_ && end - begun_ < kBeginSyncBytes &&
         has_room(last, bytes - static_cast<std::int64_t>(last.bytes));
}

Status SegmentWriter::reserve(std::int64_t bytes, bool zero_fill) {
  const auto needed = segment_->bytes() + bytes;
  if (needed > allocated_) {
    if (auto grown = grow_ahead(needed); !grown) return grown;
  }
  if (!zero_fill || bytes >= kZeroFillBelow || needed <= filled_) return {};
  return fill();
}

Status SegmentWriter::grow_ahead(std::int64_t needed) {
  auto wanted = allocated_;
  auto step = step_;
  while (wanted < needed) {
    wanted += step;
    step = std::min(step * 2, kStepMax);
  }
  auto grown = grow_to(std::max(needed, std::min(wanted, segment_bytes_max_)));
  if (grown) {
    step_ = step;
    return {};
  }
  if (grown.error().code() != Errc::kDiskFull) return grown;
  return grow_to((needed + kPageBytes - 1) / kPageBytes * kPageBytes);
}

Status SegmentWriter::grow_to(std::int64_t bytes) {
  if (auto allocated = file_->allocate(bytes); !allocated) return allocated;
  allocated_ = bytes;
  return {};
}

Status SegmentWriter::fill() {
  for (auto at = std::max(filled_, segment_->bytes()); at < allocated_;) {
    const auto count = std::min<std::int64_t>(allocated_ - at, kZeroBytes);
    const std::array pieces = {Bytes(kZeroes).first(static_cast<std::size_t>(count))};
    if (auto wrote = file_->write_at(at, pieces); !wrote) return wrote;
    at += count;
  }
  filled_ = allocated_;
  return {};
}

Status SegmentWriter::write(std::span<const PlacedBatch> batches, std::int64_t now_ms) {
  if (auto wrote = file_->write_at(segment_->bytes(), pieces_of(batches)); !wrote) return wrote;
  segment_->wrote(batches, now_ms);
  return {};
}

void SegmentWriter::begin_sync() {
  const auto more = segment_->bytes() - begun_;
  if (more < kBeginSyncBytes) return;
  file_->begin_sync(begun_, more);
  begun_ += more;
}

Status SegmentWriter::sync() { return file_->sync(); }

Status SegmentWriter::finish() {
  if (allocated_ > segment_->bytes()) {
    if (auto trimmed = file_->truncate(segment_->bytes()); !trimmed) return trimmed;
    allocated_ = segment_->bytes();
  }
  return file_->sync();
}

Status write_indexes(Disk& disk, const Segment& segment) {
  auto times = segment.encoded_time_index();
  if (times) {
    if (auto wrote = replace_file(disk, segment.path(kTimeIndexSuffix), *times); !wrote)
      return wrote;
  }
  auto index = segment.encoded_index();
  if (!index) return pass(index);
  return replace_file(disk, segment.path(kIndexSuffix), *index);
}

}  // namespace xylem::storage
