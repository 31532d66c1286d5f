#include "consumer-app/topic_state.h"

#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::consumer_app {
namespace {

void raise(Cursors& cursors, PartitionId partition, Offset to) {
  Offset& cursor = cursors[partition];
  cursor = std::max(cursor, to);
}

Offset at(const Cursors& cursors, PartitionId partition) {
  const auto found = cursors.find(partition);
  return found == cursors.end() ? Offset() : found->second;
}

}  // namespace

TopicState::TopicState(std::string topic, const TopicCopies& copies)
    : topic_(std::move(topic)), refresh_(copies.current ? copies.current->refresh_id : 0) {
  if (copies.current) {
    current_ = Accepted{copies.current->incarnation, copies.current->cursors};
    whole_ = copies.current->whole;
  }
  if (copies.shadow && copies.shadow->refresh_id == 0) {
    shadow_ = Accepted{copies.shadow->incarnation, copies.shadow->cursors};
    own_refresh_ = true;
  }
}

Effects TopicState::on_start() const {
  Effects effects;
  if (!own_refresh_) effects.changes.emplace_back(DiscardShadow{topic_});
  return effects;
}

Effects TopicState::on_subscribed(const network::SubscribeAnswer& answer, const Cursors& log_ends) {
  refresh_.on_connected();
  expects_subscription_ = false;
  answered_ = answer.incarnation;
  barrier_.clear();
  log_start_.clear();
  for (const auto& partition : answer.partitions) {
    barrier_[partition.partition] = partition.high_watermark;
    log_start_[partition.partition] = partition.log_start;
  }
  high_watermark_ = barrier_;
  if (!answer.elsewhere.empty()) barrier_.clear();  // of some partitions it is not known yet
  if (has_lost_history(answer, log_ends)) return begin_own_refresh(answer.incarnation);
  Effects effects;
  note_progress(effects);
  return effects;
}

Effects TopicState::on_batch(const network::DeliveredBatch& batch) {
  Effects effects;
  const auto target = refresh_.on_data(batch.refresh_id);
  if (target == Refresh::Target::kDrop || expects_subscription_) {
    effects.dropped = true;
    return effects;
  }
  if (target == Refresh::Target::kCurrent) raise(live_, batch.partition, batch.next_offset);
  if (target == Refresh::Target::kCurrent && is_outrun_) {
    effects.dropped = true;  // it would hide what the copy has missed before
    return effects;
  }
  const bool to_shadow = target == Refresh::Target::kShadow || own_refresh_;
  auto& copy = to_shadow ? shadow_ : current_;
  if (!copy) copy = Accepted{batch.incarnation, {}};
  if (copy->incarnation != batch.incarnation) {
    if (batch.refresh_id == 0 && !refresh_.replaying()) return begin_own_refresh(batch.incarnation);
    effects.dropped = true;
    return effects;
  }
  raise(copy->cursors, batch.partition, batch.next_offset);
  raise(high_watermark_, batch.partition, batch.high_watermark);
  effects.changes.emplace_back(ApplyBatches{.topic = topic_,
                                            .partition = batch.partition,
                                            .incarnation = batch.incarnation,
                                            .copy = to_shadow ? Copy::kShadow : Copy::kCurrent,
                                            .batches = batch.batches});
  note_progress(effects);
  return effects;
}

Effects TopicState::on_gap(const network::Gap& gap) {
  if (expects_subscription_) return {};  // it is told again
  auto& copy = own_refresh_ ? shadow_ : current_;
  if (!copy) copy = Accepted{gap.incarnation, {}};
  if (copy->incarnation != gap.incarnation) return {};  // of a copy that is not ours any more
  ++gaps_.count;
  gaps_.records += gap.to - gap.from;
  for (auto* cursors : {&copy->cursors, &skipped_, &log_start_, &high_watermark_})
    raise(*cursors, gap.partition, gap.to);
  if (!own_refresh_) raise(live_, gap.partition, gap.to);
  Effects effects;
  note_progress(effects);
  return effects;
}

Effects TopicState::on_reset(const network::Refresh& reset) {
  if (expects_subscription_) return {};  // it is repeated
  const auto decided = refresh_.on_reset(reset.refresh_id);
  Effects effects;
  if (decided.begin) {
    const auto& incarnation = reset.incarnation.topic.is_nil() ? answered_ : reset.incarnation;
    shadow_ = Accepted{incarnation, {}};
    is_outrun_ = is_outrun_ || (own_refresh_ && current_);
    own_refresh_ = false;
    live_.clear();
    effects.changes.emplace_back(BeginShadow{topic_, reset.refresh_id, incarnation});
  }
  if (decided.acknowledge) {
    effects.acknowledge =
        decided.finished ? network::FrameType::kReadyAck : network::FrameType::kResetAck;
  }
  return effects;
}

Effects TopicState::on_ready(const network::Refresh& ready) {
  if (expects_subscription_) return {};
  if (ready.refresh_id == 0 && refresh_.replaying()) return give_up_refresh();
  Cursors barrier;
  for (std::size_t i = 0; i < ready.barrier.size(); ++i)
    barrier[PartitionId(static_cast<std::int32_t>(i))] = ready.barrier[i];
  const auto decided = refresh_.on_ready(ready.refresh_id, has_reached(shadow_, barrier));
  Effects effects;
  if (decided.swap) swap(barrier, effects);
  if (decided.acknowledge) effects.acknowledge = network::FrameType::kReadyAck;
  return effects;
}

std::optional<network::Cursor> TopicState::cursor(PartitionId partition) const {
  const auto& copy = subscribed_copy();
  if (!copy) return std::nullopt;
  const auto found = copy->cursors.find(partition);
  if (found == copy->cursors.end()) return std::nullopt;
  return network::Cursor{found->second, copy->incarnation};
}

Offset TopicState::skipped_to(PartitionId partition) const { return at(skipped_, partition); }

std::optional<Incarnation> TopicState::incarnation() const {
  if (!current_) return std::nullopt;
  return current_->incarnation;
}

std::int64_t TopicState::lag() const {
  std::int64_t lag = 0;
  for (const auto& [partition, end] : high_watermark_) {
    const Offset have = current_ ? at(current_->cursors, partition) : Offset();
    lag += std::max<std::int64_t>(0, end - std::max(have, at(log_start_, partition)));
  }
  return lag;
}

const std::optional<TopicState::Accepted>& TopicState::subscribed_copy() const {
  return own_refresh_ ? shadow_ : current_;
}

bool TopicState::has_lost_history(const network::SubscribeAnswer& answer,
                                  const Cursors& log_ends) const {
  const auto& copy = subscribed_copy();
  if (!copy) return false;
  if (copy->incarnation != answer.incarnation) return true;
  return std::ranges::any_of(answer.partitions, [&](const auto& partition) {
    const auto found = copy->cursors.find(partition.partition);
    if (found == copy->cursors.end()) return false;
    const auto log_end = log_ends.find(partition.partition);
    return partition.cursor > found->second ||
           (log_end != log_ends.end() &&
            partition.cursor > std::max(log_end->second, at(skipped_, partition.partition)));
  });
}

// A partition whose log starts at the barrier has nothing to bring.
bool TopicState::has_reached(const std::optional<Accepted>& copy, const Cursors& barrier) const {
  return std::ranges::all_of(barrier, [&](const auto& one) {
    const auto& [partition, end] = one;
    return end <= at(log_start_, partition) || (copy && at(copy->cursors, partition) >= end);
  });
}

Effects TopicState::begin_own_refresh(const Incarnation& incarnation) {
  refresh_.abandon();
  shadow_ = Accepted{incarnation, {}};
  own_refresh_ = true;
  is_outrun_ = false;
  skipped_.clear();
  expects_subscription_ = true;
  Effects effects;
  effects.changes.emplace_back(BeginShadow{topic_, 0, incarnation});
  effects.resubscribe = true;
  return effects;
}

// This broker runs no refresh of ours: it was stopped, or another broker's.
Effects TopicState::give_up_refresh() {
  if (is_outrun_) {
    auto effects = begin_own_refresh(answered_);
    effects.acknowledge = network::FrameType::kReadyAck;
    return effects;
  }
  refresh_.abandon();
  shadow_.reset();
  live_.clear();
  Effects effects;
  effects.changes.emplace_back(DiscardShadow{topic_});
  note_progress(effects);
  effects.acknowledge = network::FrameType::kReadyAck;
  return effects;
}

void TopicState::note_progress(Effects& effects) {
  if (barrier_.empty() || refresh_.replaying()) return;
  if (own_refresh_) {
    if (has_reached(shadow_, barrier_)) swap(barrier_, effects);
    return;
  }
  if (whole_ || !has_reached(current_, barrier_)) return;
  if (!current_) current_ = Accepted{answered_, {}};
  whole_ = true;
  effects.changes.emplace_back(MarkWhole{topic_, current_->incarnation});
}

void TopicState::swap(const Cursors& barrier, Effects& effects) {
  XYLEM_CHECK(shadow_.has_value());
  Accepted& swapped = current_.emplace(std::move(*shadow_));
  shadow_.reset();
  for (const auto& [partition, end] : barrier) raise(swapped.cursors, partition, end);
  whole_ = true;
  is_outrun_ = false;
  effects.swapped = true;
  effects.changes.emplace_back(SwapIn{topic_, barrier});
  if (std::exchange(own_refresh_, false)) return;
  // Live records past the barrier that came during the replay went to the old copy only.
  effects.resubscribe = std::ranges::any_of(
      live_, [&](const auto& one) { return one.second > at(swapped.cursors, one.first); });
  expects_subscription_ = effects.resubscribe;
}

}  // namespace xylem::consumer_app
