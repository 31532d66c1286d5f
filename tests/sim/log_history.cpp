#include "tests/sim/log_history.h"

#include "common/batch/batch.h"
#include "common/check.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::sim {
namespace {

std::string text(Offset offset) { return std::to_string(offset.value()); }

bool covers(const std::vector<storage::OffsetRange>& ranges, const HistoryBatch& batch) {
  return std::ranges::any_of(ranges, [&](const auto& range) {
    return range.from <= batch.base && batch.next <= range.to;
  });
}

}  // namespace

void LogHistory::appended(Buffer placed) {
  const auto header = check_batch(placed);
  XYLEM_CHECK(header.has_value() && header->base_offset >= end_);
  end_ = header->next_offset();
  batches_.push_back({header->base_offset, end_, header->epoch, std::move(placed)});
}

void LogHistory::acknowledged(Offset synced, Offset written) {
  synced_ = std::max(synced_, synced);
  written_ = std::max(written_, written);
}

void LogHistory::begin_cut(Offset offset) { under_way_ = {What::kCut, offset, offset}; }

void LogHistory::begin_drop(Offset lowest, Offset highest) {
  under_way_ = {What::kDrop, lowest, highest};
}

void LogHistory::begin_remove() { under_way_ = {What::kRemove, Offset(0), Offset(0)}; }

void LogHistory::done(Offset start, Offset end) {
  XYLEM_CHECK(under_way_.has_value());
  const auto way = *std::exchange(under_way_, std::nullopt);
  if (way.what == What::kRemove) {
    *this = {};
    return;
  }
  if (way.what == What::kCut) {
    std::erase_if(batches_, [&](const auto& batch) {
      return batch.base >= way.lowest || way.lowest <= start_;
    });
    synced_ = std::min(synced_, end);
    written_ = std::min(written_, end);
  } else {
    synced_ = std::max(synced_, start);
    written_ = std::max(written_, start);
  }
  start_ = start;
  end_ = end;
}

void LogHistory::rot(Offset segment, std::int64_t position) {
  for (auto& batch : batches_) {
    if (batch.base < segment) continue;
    position -= std::ssize(batch.bytes);
    if (position >= 0) continue;
    batch.is_rotten = true;
    return;
  }
}

LogHistory::Need LogHistory::need(bool written_survives) const {
  Need need{written_survives ? std::max(written_, synced_) : synced_, start_};
  if (under_way_ && under_way_->what == What::kCut) {
    auto left = std::min(start_, under_way_->lowest);
    for (const auto& batch : batches_) {
      if (batch.base < under_way_->lowest && under_way_->lowest > start_)
        left = std::max(left, batch.next);
    }
    need.acknowledged = std::min(need.acknowledged, left);
  }
  return need;
}

bool LogHistory::may_start_at(Offset start) const {
  if (start == start_) return true;
  if (!under_way_) return false;
  if (under_way_->what == What::kCut && under_way_->lowest > start_) return false;
  return under_way_->lowest <= start && start <= under_way_->highest;
}

bool LogHistory::only_rot_is_lost(const Observed& seen) const {
  return std::ranges::all_of(seen.lost, [&](const auto& range) {
    auto from = range.from;
    for (const auto& batch : batches_) {
      if (batch.next <= range.from || batch.base >= range.to) continue;
      if (!batch.is_rotten) return false;
      from = range.to;
    }
    return from == range.to;
  });
}

std::string LogHistory::check(const Observed& seen, bool written_survives) const {
  auto wrong = find_wrong(seen, written_survives);
  if (wrong.empty()) return wrong;
  wrong += "; sees " + text(seen.start) + " to " + text(seen.end) + ":";
  for (const auto& batch : seen.batches) wrong += " " + text(check_batch(batch)->base_offset);
  wrong += "; took from " + text(start_) + ":";
  for (const auto& batch : batches_) wrong += " " + text(batch.base) + (batch.is_rotten ? "!" : "");
  if (under_way_) {
    constexpr std::array kNames = {"a cut", "a drop", "a removal"};
    wrong += std::string("; under way: ") + kNames.at(static_cast<std::size_t>(under_way_->what)) +
             " at " + text(under_way_->lowest);
  }
  return wrong;
}

std::string LogHistory::find_wrong(const Observed& seen, bool written_survives) const {
  if (under_way_ && under_way_->what == What::kRemove && seen.end == Offset(0) &&
      seen.start == Offset(0) && seen.batches.empty())
    return {};
  if (!may_start_at(seen.start)) return "start " + text(seen.start) + ", was " + text(start_);
  if (!only_rot_is_lost(seen))
    return "reports lost " + text(seen.lost.front().from) + " to " + text(seen.lost.front().to);
  return check_content(seen, need(written_survives));
}

std::string LogHistory::check_serves(const Observed& seen) const {
  for (const auto& bytes : seen.batches) {
    const bool known =
        std::ranges::any_of(batches_, [&](const auto& batch) { return batch.bytes == bytes; });
    if (!known) return "serves a batch that it never took";
  }
  return {};
}

std::string LogHistory::check_all(const Observed& seen) const {
  if (seen.start != start_) return "start " + text(seen.start) + ", was " + text(start_);
  if (!only_rot_is_lost(seen)) return "reports lost " + text(seen.lost.front().from);
  if (seen.end != end_) return "end " + text(seen.end) + ", was " + text(end_);
  return check_content(seen, {end_, start_});
}

std::string LogHistory::check_content(const Observed& seen, const Need& need) const {
  auto found = seen.batches.begin();
  auto lowest = std::max(need.acknowledged, seen.start);
  auto highest = std::max(end_, seen.start);
  for (const auto& batch : batches_) {
    if (batch.next <= seen.start) continue;
    if (found != seen.batches.end() && *found == batch.bytes) {
      ++found;
      lowest = std::max(lowest, batch.next);
      continue;
    }
    if (batch.is_rotten && covers(seen.lost, batch)) continue;
    if (batch.next <= need.kept_from && found == seen.batches.begin()) continue;
    highest = std::max(batch.base, seen.start);
    if (batch.next > need.acknowledged) break;
    return "the batch at " + text(batch.base) + " is gone, acknowledged to " +
           text(need.acknowledged);
  }
  if (found != seen.batches.end()) {
    const auto header = check_batch(*found);
    return "serves a batch that it should not: " +
           (header
                ? text(header->base_offset) + " of epoch " + std::to_string(header->epoch.value())
                : header.error().what());
  }
  if (seen.end < lowest || seen.end > highest)
    return "end " + text(seen.end) + ", may be " + text(lowest) + " to " + text(highest);
  return {};
}

void LogHistory::restart(const Observed& seen) {
  under_way_.reset();
  std::erase_if(batches_,
                [&](const auto& batch) { return !batch.is_rotten || !covers(seen.lost, batch); });
  for (const auto& bytes : seen.batches) {
    const auto header = check_batch(bytes);
    XYLEM_CHECK(header.has_value());
    batches_.push_back({header->base_offset, header->next_offset(), header->epoch, bytes});
  }
  std::ranges::sort(batches_, {}, &HistoryBatch::base);
  start_ = seen.start;
  end_ = synced_ = written_ = seen.end;
}

}  // namespace xylem::sim
