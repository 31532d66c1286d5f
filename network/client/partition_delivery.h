// Hands one partition's batches to the handlers, in order, and keeps the cursor.
//
// What arrives is queued; the front is handed over, acknowledged and dropped, until a handler fails
// or somebody pauses. Live data and a refresh's replay have a cursor each; both go through the one
// queue, so they stay in the order sent.
//
// Where the broker counts deliveries, one record is handed over in a turn of the loop, and none
// before the acknowledgement of the last one is out: should the handler take the process with it,
// the broker knows which record it was. A failure is told to the broker first; its answer says
// whether the record is tried again or was stored elsewhere as a dead letter.
//
// Limits: the queue is bounded by the credit given to the broker; more than that is kQuotaExceeded.
// Threads: the loop's.
#pragma once

#include "common/loop/turn_end.h"
#include "common/timer.h"
#include "network/client/consumer.h"
#include "network/client/data_check.h"
#include "network/client/record_walk.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
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

  // The broker's word about a failure; an error: it has none.
  using Judged = std::function<void(const Result<DeliveryFailureAnswer>&)>;

  struct Settings {
    Loop& loop;
    const Consumer::Options& options;
    const Consumer::Handlers& handlers;
    Acknowledge acknowledge;
    std::function<void(const Gap&)> gap;
    std::function<void()> drained;  // the queue became empty
    // At most once: makes durable that the handlers begin at `next` from now on, then answers.
    std::function<void(PartitionId, const Cursor& next, std::function<void(const Status&)>)> commit;
    // That everything acknowledged has left this process.
    std::function<bool(PartitionId)> is_sent = [](PartitionId) { return true; };
    // Tells the broker that the record at the cursor could not be handled.
    std::function<void(PartitionId, const Cursor&, const Error& why, Judged)> failed;
  };

  PartitionDelivery(const Settings& settings, std::string topic, PartitionId partition);

  // The next offset that no handler has taken yet.
  [[nodiscard]] Cursor cursor() const { return {live_.handled, incarnation_}; }

  // Continues at `cursor`, whatever was before; drops the queue.
  void restart(const Cursor& cursor);

  // Whether the broker counts what it delivers; from the next restart() on.
  void set_counted(bool is_counted) { is_counted_ = is_counted; }

  // Drops the queue: what was not handled comes again.
  void disconnect();

  // kCorrupt, kQuotaExceeded: the connection cannot be trusted any more.
  Status receive(const Data& data);

  // kCorrupt: it leaves something out.
  Status receive(const Gap& gap);

  // The replay of a refresh begins, from offset 0.
  void begin_replay(std::uint64_t refresh_id);

  // It was given up: what comes of it is passed over.
  void drop_replay();

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
    std::optional<Gap> gap;            // in place of data
    bool is_committed = false;         // at most once: it may be handed over
    std::unique_ptr<RecordWalk> walk;  // once a record handler was given something of it
  };

  Position& position_of(std::uint64_t refresh_id) { return refresh_id == 0 ? live_ : replay_; }

  void run();
  void deliver_front();
  void deliver_gap();
  [[nodiscard]] DeliveredBatch view_of(const Queued& queued, Offset first) const;
  [[nodiscard]] bool is_held() const;

  [[nodiscard]] bool is_at_most_once() const {
    return settings_.options.commit == Consumer::Commit::kBeforeHandler;
  }

  void commit_front();
  Status hand_over(Queued& queued, Position& position);
  Status hand_over_records(Queued& queued, Position& position);
  void pass_on();
  void next_turn();
  void on_handler_error(const Error& why, Position& position);
  void tell_failure(const Error& why);
  void on_judged(const Result<DeliveryFailureAnswer>& answer);

  void try_later() {
    retry_.start(schedule_.next_ms(), 0, [this] { run(); });
  }

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
  TurnEnd turn_end_;
  Timer unsent_;
  std::shared_ptr<std::uint64_t> life_;  // grows whenever what was asked means nothing any more
  bool is_counted_ = false;
  bool is_turn_over_ = false;  // the next record has to wait for the next turn
  bool is_judged_ = false;     // the broker has a failure to judge
  bool is_committing_ = false;
  bool is_paused_ = false;           // by the caller
  bool is_paused_by_error_ = false;  // by kPauseOnError
  bool is_running_ = false;
};

}  // namespace xylem::network
