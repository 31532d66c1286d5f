#include "broker/partitions/producer_check.h"

#include "common/check.h"

#include <algorithm>
#include <ranges>

namespace xylem::broker {

ProducerCheck::ProducerCheck(storage::PartitionLog& log)
    : log_(log), is_known_(log.start_offset() == log.end_offset()) {}

void ProducerCheck::begin() {
  if (!is_known_) forget();
}

Result<std::optional<ProducerStates::Offsets>> ProducerCheck::check(const BatchHeader& batch) {
  if (batch.producer_id < 0) return std::nullopt;
  if (!is_known_) {
    if (auto walked = walk(); !walked) return pass(walked, "what producers sent before");
  }
  return states_.check(batch);
}

void ProducerCheck::appended(BatchHeader batch, Offset base) {
  if (!is_known_) return;  // then it is not numbered
  batch.base_offset = base;
  states_.add(batch);
}

void ProducerCheck::follow(Bytes batches) {
  if (is_known_) add(batches);
}

void ProducerCheck::add(Bytes batches) {
  while (!batches.empty()) {
    const auto header = read_batch_header(batches);
    XYLEM_CHECK(header);  // the log has checked them
    states_.add(*header);
    batches = batches.subspan(header->bytes);
  }
}

void ProducerCheck::cut_back(Offset end) {
  if (!is_known_ || !states_.cut_back(end)) forget();
}

void ProducerCheck::forget() {
  is_known_ = false;
  states_ = {};
  end_ = log_.end_offset();
  next_.reset();
  walked_bytes_ = 0;
}

// By bytes, as if each segment's records were of one size.
Offset ProducerCheck::first_to_walk() const {
  auto left = static_cast<double>(kWalkedBytes);
  const auto segments = log_.segments();
  for (const auto& segment : segments | std::views::reverse) {
    const auto bytes = static_cast<double>(segment.bytes);
    if (bytes > left) {
      const auto offsets = static_cast<double>(segment.end_offset - segment.base_offset);
      const auto back = static_cast<std::int64_t>(offsets * left / bytes);
      return std::clamp(segment.end_offset + -back, log_.start_offset(), end_);
    }
    left -= bytes;
  }
  return log_.start_offset();
}

Status ProducerCheck::walk() {
  if (log_.written_end() < end_)
    return fail(Errc::kUnavailable, "the log's end is not written yet", "retry");
  if (!next_) next_ = first_to_walk();
  while (*next_ < end_) {
    auto warm = log_.warm_up(*next_, kWalkedBytes);
    if (!warm) return pass(warm);
    if (!*warm) return fail(Errc::kUnavailable, "the log is not in memory yet", "retry");
    auto read = log_.read(*next_, kWalkedBytes, end_);
    if (!read) return pass(read);
    if (read->slices.empty()) break;
    for (const auto& slice : read->slices) add(slice.bytes);
    next_ = read->next;
    walked_bytes_ += read->bytes;
    if (walked_bytes_ <= 2 * kWalkedBytes) continue;
    states_ = {};  // the records are larger here: closer to the end
    walked_bytes_ = 0;
    next_ = *next_ + (end_ - *next_) / 2;
  }
  is_known_ = true;
  return {};
}

}  // namespace xylem::broker
