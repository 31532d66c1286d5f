// Hands one partition's batches to the handlers, in order, and keeps the cursor.
//
// What arrives is queued; the front is handed over, acknowledged and dropped, until a handler fails
// or somebody pauses. Live data and a refresh's replay have a cursor each; both go through the one
// queue, so they stay in the order sent.
//
// Limits: the queue is bounded by the credit given to the broker; more than that is kQuotaExceeded.
// Threads: the loop's.
#pragma once

#include "common/timer.h"
#include "network/client/consumer.h"
#include "network/client/data_check.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace xylem::network {

class PartitionDelivery {
 public:
  // Gives credit back; `next` is what may be committed, or of a refresh's replay (its id is not 0)
  // how far the copy is.
  using Acknowledge = std::function<void(PartitionId partition,
                                         Offset next,
                                         const Incarnation& incarnation,
                                         std::size_t credit,
                                         std::uint64_t refresh_id)>;

  struct Settings {
    Loop& loop;
    const Consumer::Options& options;
    const Consumer::Handlers& handlers;
    Acknowledge acknowledge;
    std::function<void(const Gap&)> gap;
    std::function<void()> drained;  // the queue became empty
  };

  PartitionDelivery(const Settings& settings, std::string topic, PartitionId partition);

  // The next offset that no handler has taken yet.
  [[nodiscard]] Cursor cursor() const { return {live_.handled, incarnation_}; }

  // Continues at `cursor`, whatever was before; drops the queue.
  void restart(const Cursor& cursor);

  // Drops the queue: what was not handled comes again.
  void disconnect();

  // kCorrupt, kQuotaExceeded: the connection cannot be trusted any more.
  Status receive(const Data& data);

  // kCorrupt: it leaves something out.
  Status receive(const Gap& gap);

  // The replay of a refresh begins, from offset 0; of one that has begun already: goes on.
  void begin_replay(std::uint64_t refresh_id);

  // The replayed copy, whole up to `barrier`, is the live one now.
  void end_replay(const Cursor& barrier);

  void pause();
  void resume();

  [[nodiscard]] bool is_idle() const { return queue_.empty(); }

 private:
  struct Position {
    Offset received;
    Offset handled;
  };

  struct Queued {
    CheckedData data;
    Incarnation incarnation;
    Offset high_watermark;
    std::uint64_t refresh_id = 0;
    std::size_t credit_bytes = 0;
    std::optional<Gap> gap;  // in place of data
  };

  Position& position_of(std::uint64_t refresh_id) { return refresh_id == 0 ? live_ : replay_; }

  void run();
  void deliver_front();
  void deliver_gap();
  [[nodiscard]] DeliveredBatch view_of(const Queued& queued, Offset first) const;
  Status hand_over(const Queued& queued, Position& position);
  Status hand_over_records(const Queued& queued, Position& position);
  void on_handler_error(const Error& why, Position& position);
  void report(const Error& why) const;
  void pop_front();

  Settings settings_;
  std::string topic_;
  PartitionId partition_;
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  Incarnation incarnation_;
  Position live_;
  Position replay_;
  std::uint64_t replay_id_ = 0;
  Offset skip_to_;  // after what the handler that runs is given
  RetrySchedule schedule_;
  Timer retry_;
  bool is_paused_ = false;           // by the caller
  bool is_paused_by_error_ = false;  // by kPauseOnError
  bool is_running_ = false;
};

}  // namespace xylem::network
