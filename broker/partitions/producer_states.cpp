#include "broker/partitions/producer_states.h"

#include <algorithm>
#include <string>

namespace xylem::broker {
namespace {

bool is_numbered(const BatchHeader& batch) { return batch.producer_id >= 0; }

std::int32_t last_of(const BatchHeader& batch) {
  return sequence_after(batch.base_sequence, batch.last_offset_delta);
}

std::unexpected<Error> out_of_order(const BatchHeader& batch, const std::string& expected) {
  return fail(Errc::kOutOfOrderSequence, "producer " + std::to_string(batch.producer_id) +
                                             " sends sequence " +
                                             std::to_string(batch.base_sequence) + "; " + expected);
}

}  // namespace

Result<std::optional<ProducerStates::Offsets>> ProducerStates::check(
    const BatchHeader& batch) const {
  if (!is_numbered(batch)) return std::nullopt;
  if (batch.producer_epoch < 0 || batch.base_sequence < 0) {
    return fail(Errc::kInvalidRequest, "a batch of producer " + std::to_string(batch.producer_id) +
                                           " has no epoch or no sequence");
  }
  const auto found = producers_.find(batch.producer_id);
  if (found == producers_.end() || batch.producer_epoch > found->second.epoch) {
    if (batch.base_sequence == 0) return std::nullopt;
    return out_of_order(batch, "it is not known here, and begins with 0");
  }
  const auto& producer = found->second;
  if (batch.producer_epoch < producer.epoch) {
    return fail(Errc::kStaleEpoch, "producer " + std::to_string(batch.producer_id) + " of epoch " +
                                       std::to_string(batch.producer_epoch) +
                                       " was followed by epoch " + std::to_string(producer.epoch));
  }
  const auto same = std::ranges::find_if(producer.window, [&](const Sent& sent) {
    return sent.first == batch.base_sequence && sent.last == last_of(batch);
  });
  if (same != producer.window.end()) return same->offsets;
  const auto next = sequence_after(producer.window.back().last, 1);
  if (batch.base_sequence == next) return std::nullopt;
  return out_of_order(batch, std::to_string(next) + " is next");
}

void ProducerStates::add(const BatchHeader& batch) {
  if (!is_numbered(batch)) return;
  auto [found, is_new] = producers_.try_emplace(batch.producer_id);
  auto& producer = found->second;
  if (is_new)
    producer.place = silent_first_.insert(silent_first_.end(), batch.producer_id);
  else
    silent_first_.splice(silent_first_.end(), silent_first_, producer.place);
  if (batch.producer_epoch != producer.epoch) producer.window.clear();
  producer.epoch = batch.producer_epoch;
  producer.window.push_back(
      {batch.base_sequence, last_of(batch), {batch.base_offset, batch.next_offset()}});
  if (producer.window.size() > kWindow) producer.window.pop_front();
  if (producers_.size() <= kProducersMax) return;
  producers_.erase(silent_first_.front());
  silent_first_.pop_front();
}

bool ProducerStates::cut_back(Offset end) {
  bool is_complete = true;
  for (auto producer = producers_.begin(); producer != producers_.end();) {
    auto& window = producer->second.window;
    while (!window.empty() && window.back().offsets.base >= end) window.pop_back();
    if (!window.empty()) {
      ++producer;
      continue;
    }
    is_complete = false;
    silent_first_.erase(producer->second.place);
    producer = producers_.erase(producer);
  }
  return is_complete;
}

}  // namespace xylem::broker
