#include "storage/append_order.h"

#include "common/batch/batch.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::storage {
namespace {

using Epochs = std::vector<EpochStart>;

std::string text(Offset offset) { return std::to_string(offset.value()); }

std::string text(Epoch epoch) { return std::to_string(epoch.value()); }

// The places of whole batches from `next` on, in epochs from `epoch` on.
Result<std::vector<BatchPlace>> places_of(Bytes batches, Offset next, Epoch epoch) {
  std::vector<BatchPlace> places;
  while (!batches.empty()) {
    if (auto good = check_batch(batches); !good)
      return fail(
          good.error().code() == Errc::kUnavailable ? Errc::kInvalidRequest : Errc::kCorrupt,
          "batch after offset " + text(next) + ": " + good.error().what());
    auto place = place_at(batches);
    if (!place) return pass(place);
    if (place->base < next)
      return fail(Errc::kInvalidRequest,
                  "batch at " + text(place->base) + " is below the log's end " + text(next));
    if (place->epoch < epoch)
      return fail(Errc::kInvalidRequest, "batch at " + text(place->base) + " has epoch " +
                                             text(place->epoch) + " after " + text(epoch));
    next = place->next;
    epoch = place->epoch;
    batches = batches.subspan(place->bytes);
    places.push_back(*place);
  }
  return places;
}

}  // namespace

AppendOrder::AppendOrder(Offset end, Epochs epochs) : end_(end) { publish(std::move(epochs)); }

void AppendOrder::publish(Epochs epochs) {
  last_epoch_ = epochs.empty() ? kNoEpoch : epochs.back().epoch;
  epochs_.store(std::make_shared<const Epochs>(std::move(epochs)));
}

Result<BatchPlace> AppendOrder::accept(Bytes batch, Epoch epoch) const {
  const auto header = read_batch_header(batch);
  if (!header || header->bytes != batch.size())
    return fail(Errc::kInvalidRequest, "an append takes exactly one whole batch");
  if (epoch < last_epoch_)
    return fail(Errc::kInvalidRequest,
                "epoch " + text(epoch) + " is below the log's " + text(last_epoch_));
  const auto base = end();
  if (base > kOffsetMax) return fail(Errc::kInvalidRequest, "the log has no offsets left");
  return BatchPlace{.base = base,
                    .next = base + header->last_offset_delta + 1,
                    .bytes = header->bytes,
                    .epoch = epoch,
                    .crc = header->crc,
                    .max_timestamp_ms = header->max_timestamp_ms};
}

Result<std::vector<BatchPlace>> AppendOrder::accept_as_is(Bytes batches) const {
  return places_of(batches, end(), last_epoch_);
}

Result<std::vector<BatchPlace>> AppendOrder::accept_within(Bytes batches,
                                                           const OffsetRange& range) const {
  const auto known = epochs_.load();
  const auto after = std::ranges::lower_bound(*known, range.to, {}, &EpochStart::start);
  const auto before = std::ranges::lower_bound(*known, range.from, {}, &EpochStart::start);
  const auto lowest = before == known->begin() ? kNoEpoch : std::prev(before)->epoch;
  auto places = places_of(batches, range.from, lowest);
  if (!places || places->empty()) return places;
  const auto& last = places->back();
  if (last.next > range.to)
    return fail(Errc::kInvalidRequest, "batch at " + text(last.base) + " goes beyond what is lost");
  const auto highest = after == known->end() ? last_epoch_ : after->epoch;
  if (last.epoch > highest)
    return fail(Errc::kInvalidRequest, "batch at " + text(last.base) + " has epoch " +
                                           text(last.epoch) + " before " + text(highest));
  return places;
}

void AppendOrder::restart(Offset end, Epochs epochs) {
  publish(std::move(epochs));
  end_.store(end, std::memory_order_release);
}

void AppendOrder::add(const BatchPlace& place) {
  if (place.epoch > last_epoch_) {
    Epochs grown = *epochs_.load();
    grown.push_back({place.epoch, place.base});
    publish(std::move(grown));
  }
  end_.store(place.next, std::memory_order_release);
}

void AppendOrder::add_within(const std::vector<BatchPlace>& places) {
  Epochs all = *epochs_.load();
  for (const auto& place : places) {
    const auto at = std::ranges::lower_bound(all, place.epoch, {}, &EpochStart::epoch);
    if (at != all.end() && at->epoch == place.epoch)
      at->start = std::min(at->start, place.base);
    else
      all.insert(at, {place.epoch, place.base});
  }
  publish(std::move(all));
}

void AppendOrder::cut_back(Offset end) {
  Epochs kept = *epochs_.load();
  while (!kept.empty() && kept.back().start >= end) kept.pop_back();
  publish(std::move(kept));
  end_.store(end, std::memory_order_release);
}

void AppendOrder::drop_before(Offset start) {
  publish(epochs(start));
  if (end() < start) end_.store(start, std::memory_order_release);
}

std::vector<EpochStart> AppendOrder::epochs(Offset start) const {
  Epochs seen;
  for (const auto& epoch : *epochs_.load()) {
    if (epoch.start <= start) seen.clear();  // all batches of the ones before are gone
    seen.push_back({epoch.epoch, std::max(epoch.start, start)});
  }
  return seen;
}

}  // namespace xylem::storage
