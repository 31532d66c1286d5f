#include "consumer-app/refresh.h"

namespace xylem::consumer_app {

Refresh::OnReset Refresh::on_reset(std::uint64_t id) {
  if (id == 0) return {};
  if (id == replaying_.value_or(completed_))
    return {.begin = false, .acknowledge = true, .finished = !replaying_};
  if (!newly_connected_ && id < replaying_.value_or(completed_)) return {};
  newly_connected_ = false;
  replaying_ = id;
  return {.begin = true, .acknowledge = true};
}

Refresh::Target Refresh::on_data(std::uint64_t id) const {
  if (id == 0) return Target::kCurrent;
  if (replaying_) return id == *replaying_ ? Target::kShadow : Target::kDrop;
  return id == completed_ ? Target::kCurrent : Target::kDrop;
}

Refresh::OnReady Refresh::on_ready(std::uint64_t id, bool reached) {
  if (id == 0) return {.swap = false, .acknowledge = true};
  if (!replaying_) return {.swap = false, .acknowledge = id == completed_};
  if (id != *replaying_ || !reached) return {};
  completed_ = id;
  replaying_.reset();
  return {.swap = true, .acknowledge = true};
}

}  // namespace xylem::consumer_app
