#include "storage/inspect/segment_check.h"

#include "common/batch/batch.h"
#include "common/batch/crc32c.h"
#include "storage/log_paths.h"
#include "storage/recovery.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::storage {
namespace {

std::unexpected<Error> corrupt(std::int64_t position, std::string_view what) {
  return fail(Errc::kCorrupt, "at byte " + std::to_string(position) + ": " + std::string(what));
}

bool is_what_the_file_holds(Disk& disk, const std::string& path, Bytes wanted) {
  const auto stored = read_file(disk, path, kIndexBytesMax);
  return stored && std::ranges::equal(*stored, wanted);
}

}  // namespace

SegmentCheck::SegmentCheck(Disk& disk, std::string directory, const Expected& expected)
    : disk_(disk),
      expected_(expected),
      walked_(std::make_shared<Segment>(disk, std::move(directory), expected.base)) {}

Result<std::unique_ptr<SegmentCheck>> SegmentCheck::open(Disk& disk,
                                                         const std::string& directory,
                                                         const Expected& expected) {
  std::unique_ptr<SegmentCheck> check(new SegmentCheck(disk, directory, expected));
  auto file = disk.open(check->walked_->path(kLogSuffix), Disk::Open::kRead);
  if (!file) return pass(file);
  check->file_ = std::move(*file);
  check->facts_ = stored_facts(disk, *check->walked_, expected.bytes).value_or(std::nullopt);
  // Of a time when the segment was shorter or longer: it says nothing of it as it is.
  if (check->facts_ && check->facts_->bytes != expected.bytes) check->facts_.reset();
  return check;
}

Result<std::int64_t> SegmentCheck::step() {
  const auto left = std::min<std::int64_t>(expected_.bytes - read_, kChunkBytes);
  if (left == 0) {
    if (!carried_.empty()) return corrupt(position_, "batch is cut");
    if (expected_.end && walked_->end() > *expected_.end)
      return corrupt(position_, "offsets beyond the segment's");
    if (expected_.end) walked_->cover(*expected_.end);
    return 0;
  }
  chunk_.resize(static_cast<std::size_t>(left));
  auto got = file_->read_at(read_, chunk_);
  if (!got) return pass(got, "at byte " + std::to_string(read_));
  if (std::cmp_less(*got, left)) return corrupt(read_, "the file is too short");
  append(chunk_, carried_);
  if (auto taken = take_batches(); !taken) return pass(taken);
  // Last: a bad batch says more. This finds what a batch's own CRC leaves out.
  const auto index = static_cast<std::size_t>(read_) / kChunkBytes;
  if (facts_ && crc32c(chunk_) != facts_->chunk_crcs.at(index))
    return corrupt(read_, "checksum of the MiB");
  read_ += left;
  return left;
}

Status SegmentCheck::take_batches() {
  Bytes rest = carried_;
  while (rest.size() >= kBatchHeaderBytes) {
    const auto header = peek_batch_header(rest);
    if (!header) return corrupt(position_, header.error().what());
    if (header->bytes > rest.size()) break;
    const auto batch = rest.first(header->bytes);
    if (const auto checked = check_batch(batch); !checked)
      return corrupt(position_, checked.error().what());
    const auto place = place_at(batch);
    if (!place) return corrupt(position_, place.error().what());
    if (place->base < walked_->end() || !fits_index(expected_.base, place->base))
      return corrupt(position_, "offsets go back");
    if (place->epoch < epoch_) return corrupt(position_, "epochs go back");
    const std::array walked = {PlacedBatch{{nullptr, batch}, *place}};
    walked_->wrote(walked, expected_.appended_ms);
    epoch_ = place->epoch;
    position_ += static_cast<std::int64_t>(header->bytes);
    ++batches_;
    rest = rest.subspan(header->bytes);
  }
  carried_.erase(carried_.begin(), carried_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return {};
}

Result<std::optional<Buffer>> SegmentCheck::better_index() const {
  auto wanted = walked_->encoded_index();
  if (!wanted) return pass(wanted);
  if (is_what_the_file_holds(disk_, walked_->path(kIndexSuffix), *wanted)) return std::nullopt;
  return std::move(*wanted);
}

Result<std::optional<Buffer>> SegmentCheck::better_time_index() const {
  auto wanted = walked_->encoded_time_index();
  if (!wanted) return pass(wanted);
  if (is_what_the_file_holds(disk_, walked_->path(kTimeIndexSuffix), *wanted)) return std::nullopt;
  return std::move(*wanted);
}

}  // namespace xylem::storage
