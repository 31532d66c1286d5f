// Takes the stream's changes in order and makes them last: first the record log, then the view.
//
// Whatever waits when the writer thread is free becomes one transaction, so a load is committed in
// large groups and a single record at once. A group that fails (disk full) stays at the head and is
// tried again; meanwhile the queue fills, and `pressure` tells the stream to stop asking.
//
// A log that fails for good (fenced, corrupt) stops its topic alone: what waits of it and what
// comes is dropped, and the other topics go on. Nothing is lost by that: a restart asks again from
// min(end of the log, cursor of the view).
//
// Owns: the view's writing connection and its thread.
// Threads: the loop's. Limits: Limits; past queue_bytes_high the caller has to stop.
#pragma once

#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/worker.h"
#include "consumer-app/record_log.h"
#include "consumer-app/view_store.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

class Applier {
 public:
  struct Limits {
    std::size_t queue_bytes_high = 8ULL * 1024 * 1024;
    std::size_t queue_bytes_low = 2ULL * 1024 * 1024;
    std::size_t group_bytes_max = 8ULL * 1024 * 1024;
    std::size_t group_changes_max = 4'096;
    std::uint64_t retry_ms = 1'000;
    std::size_t drop_entries_max = 2'000;  // of an old copy, in one transaction
  };

  struct Context {
    Loop& loop;
    RecordLog& log;
    Logger& logger;
    Metrics& metrics;
  };

  Applier(const Context& context, std::unique_ptr<ViewStore> store, const Limits& limits);
  ~Applier();
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  // Told true when the queue passed its high mark, false when it fell below the low one.
  void on_pressure(std::function<void(bool)> pressure) { pressure_ = std::move(pressure); }

  void push(Change change);

  // Calls back once everything pushed before is committed; never inside this call, and never for a
  // topic that is stopped.
  void after_commit(const std::string& topic, std::function<void()> done);

  // The view as it was committed last.
  [[nodiscard]] const Copies& applied() const { return applied_; }

  // Records applied since the start.
  [[nodiscard]] std::int64_t records_applied() const { return records_applied_; }

  // Told after every commit; applied() shows it.
  void on_applied(std::function<void()> told) { on_applied_ = std::move(told); }

  // Told once when the view's file turns out to be damaged: nothing is committed any more.
  void on_damaged(std::function<void()> told) { on_damaged_ = std::move(told); }

  // Why the head of the queue does not go through.
  [[nodiscard]] const Status& health() const { return health_; }

  // Why the topic is stopped.
  [[nodiscard]] Status health(std::string_view topic) const;

  [[nodiscard]] bool is_under_pressure() const { return pressed_; }

 private:
  using Group = std::shared_ptr<std::vector<Change>>;  // the worker's, once it was handed over

  struct Outcome {
    Status status;
    Copies copies;
    std::int64_t records_applied = 0;
  };

  struct Item {
    std::string topic;
    Change change;
    std::function<void()> done;  // when set, it stands instead of a change
  };

  void pump();
  Group take_group();
  Group without_stopped(const Group& group);
  void stop(const std::string& topic, const Error& why);
  void commit(const Group& group);
  void on_committed(const Group& group, Outcome outcome);
  void on_failed(const Group& group, const Status& status);
  void drop_some();
  void on_dropped(const Result<bool>& more);
  Status append_to_log(std::vector<Change>& group);
  void hand_to_worker(std::function<void()> work);
  void answer(std::function<void()> on_loop);
  void relieve();

  Context context_;
  Limits limits_;
  std::unique_ptr<ViewStore> store_;  // the worker's
  std::function<void(bool)> pressure_;
  std::function<void()> on_applied_;
  std::function<void()> on_damaged_;
  Copies applied_;
  std::int64_t records_applied_ = 0;
  std::deque<Item> queue_;
  std::size_t queued_bytes_ = 0;  // also of the group that is being committed
  bool pressed_ = false;
  bool busy_ = false;     // the worker has something, or a retry is waited for
  bool dropping_ = true;  // there may be old copies to drop
  bool dropped_last_ = false;
  Status health_;
  std::map<std::string, Error, std::less<>> stopped_;
  Counter& transactions_;
  Counter& failures_;
  Gauge& queue_gauge_;
  Gauge& stopped_gauge_;
  Timer retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker worker_{"view writer"};  // last: joined before what it uses goes
};

}  // namespace xylem::consumer_app
