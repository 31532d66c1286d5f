#include "broker/partitions/producer_check.h"

#include "common/check.h"

#include <algorithm>
#include <ranges>
#include <string>

namespace xylem::broker {

ProducerCheck::ProducerCheck(storage::PartitionLog& log)
    : log_(log), is_known_(log.start_offset() == log.end_offset()) {}

void ProducerCheck::begin() {
  if (!is_known_) forget();
}

Result<std::optional<ProducerStates::Offsets>> ProducerCheck::check(const BatchHeader& batch,
                                                                    std::optional<Offset> since) {
  if (batch.producer_id < 0) return std::nullopt;
  if (!is_known_) {
    if (auto walked = walk(); !walked) return pass(walked, "what producers sent before");
  }
  if (since && !states_.knows(batch.producer_id)) {
    if (auto searched = search(batch.producer_id, *since); !searched)
      return pass(searched, "what this producer sent before");
    if (!states_.knows(batch.producer_id)) return std::nullopt;
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
  searches_.clear();
  if (!is_known_ || !states_.cut_back(end)) forget();
}

void ProducerCheck::forget() {
  is_known_ = false;
  searches_.clear();
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

// What is appended while it goes on is in states_ by itself, or is this producer's only after it.
Status ProducerCheck::search(std::int64_t producer, Offset since) {
  if (since > log_.end_offset()) {
    return fail(Errc::kOutOfOrderSequence,
                "the log ends at " + std::to_string(log_.end_offset().value()) + ", below " +
                    std::to_string(since.value()) + ", from where on it was to be",
                "the log has lost its end: begin anew");
  }
  auto search = search_of(producer, since);
  if (!search) return pass(search);
  if (auto searched = search_part(**search); !searched) return searched;
  for (const auto& header : (*search)->found) states_.add(header);
  searches_.erase(searches_.begin() + (*search - searches_.data()));
  return {};
}

Result<ProducerCheck::Search*> ProducerCheck::search_of(std::int64_t producer, Offset since) {
  ++asks_;
  auto search = std::ranges::find(searches_, producer, &Search::producer);
  if (search == searches_.end()) {
    std::erase_if(searches_, [this](const Search& known) {
      return searches_.size() >= kSearchesMax && asks_ - known.asked_at > kIdleAsksMax;
    });
    if (searches_.size() >= kSearchesMax)
      return fail(Errc::kUnavailable, "the log is being searched for other producers", "retry");
    searches_.push_back(
        {.producer = producer, .next = since, .end = log_.end_offset(), .found = {}});
    search = searches_.end() - 1;
  }
  search->asked_at = asks_;
  return &*search;
}

Status ProducerCheck::search_part(Search& search) {
  search.next = std::max(search.next, log_.start_offset());
  if (search.next >= search.end) return {};
  if (log_.written_end() < search.end)
    return fail(Errc::kUnavailable, "the log's end is not written yet", "retry");
  auto warm = log_.warm_up(search.next, kWalkedBytes);
  if (!warm) return pass(warm);
  if (!*warm) return fail(Errc::kUnavailable, "the log is not in memory yet", "retry");
  auto read = log_.read(search.next, kWalkedBytes, search.end);
  if (!read) return pass(read);
  for (const auto& slice : read->slices) {
    for (auto left = slice.bytes; !left.empty();) {
      const auto header = read_batch_header(left);
      XYLEM_CHECK(header);  // the log has checked them
      if (header->producer_id == search.producer) search.found.push_back(*header);
      left = left.subspan(header->bytes);
    }
  }
  if (search.found.size() > ProducerStates::kWindow)  // the last ones count
    search.found.erase(search.found.begin(), search.found.end() - ProducerStates::kWindow);
  if (read->slices.empty() || read->next >= search.end) return {};
  search.next = read->next;
  return fail(Errc::kUnavailable, "the log is still being searched", "retry");
}

}  // namespace xylem::broker
