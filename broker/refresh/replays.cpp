#include "broker/refresh/replays.h"

#include <utility>

namespace xylem::broker {

Replays::Replays(Loop& loop, Metrics& metrics, Hooks hooks)
    : hooks_(std::move(hooks)),
      bytes_(metrics.counter("xylem_refresh_replayed_bytes_total",
                             "Batches sent to consumers in replays of refreshes.")),
      turn_(loop) {}

void Replays::add(Key key, RefreshConsumer& consumer) {
  all_.insert_or_assign(key, Replay{&consumer, {}, false});
  start_turn();
}

void Replays::wake(Key key) {
  const auto found = all_.find(key);
  if (found == all_.end() || !std::exchange(found->second.waits, false)) return;
  start_turn();
}

void Replays::wake_all() {
  for (auto& [key, replay] : all_) replay.waits = false;
  if (!all_.empty()) start_turn();
}

void Replays::start_turn() {
  if (!turn_.is_active()) turn_.start(0, 0, [this] { take_turn(); });
}

void Replays::take_turn() {
  std::size_t pieces = 0;
  for (std::size_t idle = 0; idle < all_.size() && pieces < kPiecesPerTurn;) {
    auto next = all_.upper_bound(last_);
    if (next == all_.end()) next = all_.begin();
    last_ = next->first;
    const auto bytes = next->second.waits ? 0 : push(last_);
    bytes_.add(bytes);
    pieces += bytes > 0 ? 1 : 0;
    idle = bytes > 0 ? 0 : idle + 1;
  }
  for (const auto& [key, replay] : all_)
    if (!replay.waits) return start_turn();
}

// The answer is what was sent; 0: it waits, or is over.
std::size_t Replays::push(Key key) {
  auto& replay = all_.at(key);
  auto& consumer = *replay.consumer;
  hooks_.pushes(key, consumer.replayed());
  const auto sent = consumer.push_replay();
  if (!sent) {
    all_.erase(key);
    hooks_.failed(key, sent.error());
    return 0;
  }
  replay.waits = *sent == 0;
  const auto barrier = hooks_.barrier(key);
  if (!barrier) return *sent;
  auto step = replay.catch_up.next(*barrier, consumer.replayed(), consumer.live());
  if (step == CatchUp::Step::kHold) {
    consumer.hold_live();
    step = replay.catch_up.next(*barrier, consumer.replayed(), consumer.live());
  }
  if (step == CatchUp::Step::kDone) {
    const auto goal = consumer.replayed();
    all_.erase(key);
    hooks_.sent_all(key, goal);
  }
  return *sent;
}

}  // namespace xylem::broker
