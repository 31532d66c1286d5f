// One refresh of many nodes in waves, as a pure state machine: events in, orders out; no I/O, no
// clock, no threads.
//
//   RUNNING -> COMPLETED | PARTIAL
//           -> STOPPING -> STOPPED      stop()
//           -> FAILING  -> FAILED       more nodes failed than was allowed
//
// A wave is a number of nodes of one level; the next one begins when every node of it has ended or
// is away. A node that is away (not heard of for `away_ms`) is skipped. When all waves are over,
// such nodes get waves of their own once, the last round: there the job waits for them until
// `return_wait_ms` after the round began. A node that comes back on its own with its order counts
// at any time before the end.
//
// An order is level-triggered: order_for() names it as long as the node has not ended, so that one
// that was lost, or a registry or node that restarted, changes nothing. Reports with another id
// change nothing either. All nodes run the job's id: a consumer that moves from one of them to
// another during the job is refreshed once.
#pragma once

#include "registry/refresh/refresh_record.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace xylem::registry {

struct Moment {
  std::int64_t monotonic_ms = 0;
  std::int64_t wall_ms = 0;
};

class RefreshJob {
 public:
  struct Limits {
    std::int64_t away_ms = 30'000;         // without a heartbeat
    std::int64_t unanswered_ms = 60'000;   // a node that is there, but says nothing of its order
    std::int64_t return_wait_ms = 60'000;  // for nodes that were away, in the last round
  };

  // A new one: nodes have ids, levels and when they were heard of; it gives them waves.
  static RefreshJob plan(RefreshRecord record, std::vector<JobNode> nodes, const Limits& limits);

  // One from the store: its nodes are taken to be there until they have had time to be missed.
  static RefreshJob restore(StoredRefresh stored, const Limits& limits, const Moment& now);

  // Events. Any of them may begin a wave or end the job.
  void on_heard(const NodeId& node, const Moment& now);
  void on_report(const NodeId& node, const RefreshProgress& progress, const Moment& now);
  void on_time(const Moment& now);  // also begins a new job
  void stop(const std::string& why, const Moment& now);

  [[nodiscard]] std::optional<RefreshOrder> order_for(const NodeId& node) const;

  [[nodiscard]] const RefreshRecord& record() const noexcept { return record_; }

  [[nodiscard]] bool has_ended() const noexcept { return registry::has_ended(record_.state); }

  // By level, then by id.
  [[nodiscard]] const std::vector<JobNode>& nodes() const noexcept { return nodes_; }

  [[nodiscard]] bool contains(const NodeId& node) const { return index_.contains(node); }

  [[nodiscard]] std::size_t count(JobNodeState state) const {
    return counts_.at(static_cast<std::size_t>(state));
  }

  [[nodiscard]] std::int32_t waves() const noexcept {
    return static_cast<std::int32_t>(waves_.size());
  }

  [[nodiscard]] std::int32_t wave() const noexcept { return wave_; }  // begun last; 0: none

  // What changed since the last call, for the store; and whether anything that is shown did.
  [[nodiscard]] bool has_unsaved() const noexcept { return record_unsaved_ || !unsaved_.empty(); }

  StoredRefresh take_unsaved();
  void give_back(const StoredRefresh& unwritten);

  [[nodiscard]] bool take_shown() noexcept { return std::exchange(shown_, false); }

 private:
  RefreshJob(RefreshRecord record, std::vector<JobNode> nodes, const Limits& limits);

  [[nodiscard]] bool is_here(const JobNode& node, const Moment& now) const;
  [[nodiscard]] bool may_skip(const Moment& now) const;
  [[nodiscard]] bool is_open(const JobNode& node) const;
  void set_state(JobNode& node, JobNodeState state, std::string failure = {});
  void set_job(JobState state, std::string why);
  void look_at(JobNode& node, const Moment& now);
  void advance(const Moment& now);
  void begin_last_round(const Moment& now);
  void stop_as(JobState state, const std::string& why, const Moment& now);
  void end(const Moment& now);
  void begin_wave(const Moment& now);
  void number_waves(const std::vector<std::size_t>& nodes);
  void enlist(std::size_t index);

  RefreshRecord record_;
  Limits limits_;
  std::vector<JobNode> nodes_;
  std::map<NodeId, std::size_t> index_;
  std::array<std::size_t, kJobNodeStateCount> counts_{};
  std::vector<std::vector<std::size_t>> waves_;  // indices of their nodes; wave 1 is the first
  std::int32_t wave_ = 0;
  std::size_t open_ = 0;           // nodes of begun waves that have neither ended nor are away
  std::int64_t return_by_ms_ = 0;  // monotonic; of the last round
  std::set<std::size_t> unsaved_;
  bool record_unsaved_ = false;
  bool shown_ = false;
};

}  // namespace xylem::registry
