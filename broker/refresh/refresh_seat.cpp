// What subscriptions do with refreshes: they sit down, answer, and go.
#include "broker/refresh/refresh_seat.h"

#include "broker/refresh/refreshes.h"

#include <algorithm>

namespace xylem::broker {

RefreshSeat::~RefreshSeat() {
  if (is_taken()) refreshes_->leave(key_);
}

void RefreshSeat::acknowledged(const network::DeliveryAck& ack) const {
  if (is_taken()) refreshes_->acknowledged(key_, ack);
}

void RefreshSeat::answered(network::FrameType type, const network::Refresh& refresh) const {
  if (is_taken()) refreshes_->answered(key_, type, refresh);
}

void RefreshSeat::wake() const {
  if (is_taken()) refreshes_->wake(key_);
}

RefreshSeat Refreshes::sit(const Sitting& sitting) {
  const auto key = ++last_key_;
  auto& seat =
      seats_
          .emplace(key, Seat{.sitting = sitting,
                             .first_ready = FirstReady(sitting.cursors, sitting.high_watermarks)})
          .first->second;
  seat.sitting.name.resize(std::min(seat.sitting.name.size(), kNameBytesMax));
  auto& names = names_[sitting.topic];
  names[seat.sitting.name] = 0;
  if (names.size() > kNamesMax) {
    const auto oldest = std::ranges::min_element(
        names, {}, [](const auto& one) { return one.second == 0 ? INT64_MAX : one.second; });
    if (oldest->second != 0) names.erase(oldest);
  }
  join(key);
  if (seat.refresh == 0) tell_first_ready(seat);
  return {*this, alive_, key};
}

// To the newest refresh of its topic, where that wants it.
void Refreshes::join(Key key) {
  auto& seat = seats_.at(key);
  if (!is_loaded_) return;
  auto* entry = newest_of(seat.sitting.topic);
  if (entry == nullptr || entry->run.definition().incarnation != seat.sitting.incarnation) return;
  const auto acts = entry->run.join(key, seat.sitting.name, seat.sitting.is_fresh, now_ms());
  if (entry->run.is_busy_with(key)) seat.refresh = entry->run.definition().id;
  perform(*entry, acts);
  if (entry->run.state() != RefreshState::kAborted)
    forget_elsewhere(seat, entry->run.definition().id);
}

// Whichever older ones owe it a refresh: it has the newest, or is taken through that.
void Refreshes::forget_elsewhere(const Seat& seat, std::uint64_t joined) {
  for (auto& [id, older] : all_) {
    if (id >= joined) break;
    if (older.run.definition().incarnation != seat.sitting.incarnation) continue;
    older.run.forget(seat.sitting.name);
    after(older);
  }
}

void Refreshes::leave(Key key) {
  const auto found = seats_.find(key);
  if (found == seats_.end()) return;
  const auto seat = found->second;
  seats_.erase(found);
  replays_.remove(key);
  const auto& [consumer, name, topic, incarnation, is_fresh, cursors, ends] = seat.sitting;
  const bool has_twin = std::ranges::any_of(seats_, [&](const auto& one) {
    return one.second.sitting.name == name && one.second.sitting.topic == topic;
  });
  if (!has_twin) names_[topic][name] = now_ms();
  for (auto& [id, entry] : all_) {
    if (entry.run.definition().incarnation != incarnation) continue;
    perform(entry, entry.run.leave(key, now_ms()));
  }
}

void Refreshes::acknowledged(Key key, const network::DeliveryAck& ack) {
  auto& seat = seats_.at(key);
  if (ack.incarnation != seat.sitting.incarnation) return;
  if (ack.refresh_id == 0) {
    seat.first_ready.acknowledged(ack.partition, ack.next_offset);
    if (seat.refresh == 0) tell_first_ready(seat);
    return;
  }
  if (ack.refresh_id != seat.refresh) return;
  auto& entry = all_.at(seat.refresh);
  perform(entry,
          entry.run.acknowledged(key, ack.refresh_id, ack.partition, ack.next_offset, now_ms()));
}

void Refreshes::answered(Key key, network::FrameType type, const network::Refresh& refresh) {
  auto& seat = seats_.at(key);
  const bool is_ready = type == network::FrameType::kReadyAck;
  if (is_ready && refresh.refresh_id == 0) return seat.first_ready.answered();
  if (refresh.refresh_id != seat.refresh) return;  // stale
  auto& entry = all_.at(seat.refresh);
  perform(entry, is_ready ? entry.run.on_ready_ack(key, refresh.refresh_id, now_ms())
                          : entry.run.on_reset_ack(key, refresh.refresh_id, now_ms()));
}

}  // namespace xylem::broker
