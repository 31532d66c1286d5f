#include "network/client/refresh_state.h"

namespace xylem::network {

RefreshState::Act RefreshState::on_reset(const Refresh& reset) {
  if (running_ && running_->refresh_id == reset.refresh_id)
    return is_reset_acknowledged_ ? Act::kAcknowledge : Act::kIgnore;
  if (acknowledged_ready_ == reset.refresh_id) return Act::kFinished;
  running_ = reset;
  is_reset_acknowledged_ = false;
  told_ready_.reset();
  return Act::kTell;
}

RefreshState::Act RefreshState::on_ready(const Refresh& ready) {
  if (ready.refresh_id == 0 && running_) {  // the broker has given that up, or never had it
    running_.reset();
    acknowledged_ready_.reset();
  }
  if (acknowledged_ready_ == ready.refresh_id) return Act::kAcknowledge;
  if (running_ && running_->refresh_id != ready.refresh_id) return Act::kIgnore;
  if (told_ready_ == ready.refresh_id) return Act::kIgnore;
  told_ready_ = ready.refresh_id;
  return Act::kTell;
}

void RefreshState::acknowledged_reset(std::uint64_t refresh_id) {
  if (running_ && running_->refresh_id == refresh_id) is_reset_acknowledged_ = true;
}

void RefreshState::acknowledged_ready(std::uint64_t refresh_id) {
  const bool is_running = running_ && running_->refresh_id == refresh_id;
  if (told_ready_ != refresh_id && !is_running) return;  // the caller may have had it before RESET
  told_ready_.reset();
  acknowledged_ready_ = refresh_id;
  if (is_running) running_.reset();
}

void RefreshState::dropped_ready() { told_ready_.reset(); }

void RefreshState::on_subscribed() {
  if (acknowledged_ready_ == 0U) acknowledged_ready_.reset();
  if (told_ready_ == 0U) told_ready_.reset();
}

}  // namespace xylem::network
