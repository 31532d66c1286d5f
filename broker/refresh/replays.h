// Sends the replays of all consumers, a little in each turn of the loop, consumer after consumer,
// so that live data of everybody else goes first.
//
// Threads: the loop's. Limits: kPiecesPerTurn, of Subscription::kPushBytesMax and a batch each.
#pragma once

#include "broker/refresh/catch_up.h"
#include "broker/refresh/refresh_consumer.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/timer.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace xylem::broker {

class Replays {
 public:
  static constexpr std::size_t kPiecesPerTurn = 2;

  using Key = std::uint64_t;

  // They may add and remove.
  struct Hooks {
    // Before a piece is sent: what was sent so far.
    std::function<void(Key, const std::vector<Offset>& replayed)> pushes;
    // nullopt: not known yet.
    std::function<std::optional<std::vector<Offset>>(Key)> barrier;
    std::function<void(Key, const std::vector<Offset>& goal)> sent_all;
    std::function<void(Key, const Error&)> failed;
  };

  Replays(Loop& loop, Metrics& metrics, Hooks hooks);

  // `consumer` has begun its replay.
  void add(Key key, RefreshConsumer& consumer);

  void remove(Key key) { all_.erase(key); }

  // More may be sent, to this one or to all of them.
  void wake(Key key);
  void wake_all();

 private:
  struct Replay {
    RefreshConsumer* consumer;
    CatchUp catch_up;
    bool waits = false;
  };

  void take_turn();
  std::size_t push(Key key);
  void start_turn();

  Hooks hooks_;
  std::map<Key, Replay> all_;
  Key last_ = 0;  // whose turn it was
  Counter& bytes_;
  Timer turn_;
};

}  // namespace xylem::broker
