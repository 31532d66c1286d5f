// One refresh of one topic at this broker, as a pure state machine: events in, acts out; no I/O, no
// clock.
//
//   RESET_SENT --first RESET_ACK--> REPLAYING --READY sent to all--> READY_SENT
//   any of them --every consumer has it, the broker's own copy is whole--> COMPLETED
//   any of them --stopped, a newer one, no progress for long--> ABORTED
//
// Each consumer has its own place in it: it is told RESET until it answers, is replayed to, is told
// READY once its own acknowledgements are at the goal, until it answers. Who joins late begins at
// RESET like all others, and does not move the state back. Who answers RESET by READY_ACK has that
// copy already. What carries another id is dropped.
//
// Who goes away unfinished is owed the refresh. It is waited for a little, then the refresh
// completes without it; when it comes back it is still taken through all of it
// (docs/decisions/0020). Not so who came back before it was seen to go, over a new connection.
//
// Threads: one. Limits: kOwedMax.
#pragma once

#include "broker/refresh/refresh_status.h"
#include "common/ids.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class RefreshRun {
 public:
  using ConsumerKey = std::uint64_t;  // of a subscription

  static constexpr std::size_t kOwedMax = 1'000;  // consumers that are away

  struct Timing {
    std::int64_t reset_again_ms = 5'000;
    std::int64_t ready_again_ms = 10'000;
    std::int64_t stalled_ms = 600'000;
    std::int64_t away_ms = 15'000;  // how long it waits for who went away
  };

  struct Definition {
    std::uint64_t id = 0;
    std::string topic;
    Incarnation incarnation;
    std::string reason;
    std::string started_by;
    std::int64_t started_at_ms = 0;  // wall clock
    bool is_rebuild = false;         // the broker's own copy is filled anew, from its parent
  };

  struct Act {
    enum class Kind : std::uint8_t {
      kSendReset,
      kReplay,  // begin to send; began() and sent_all() say how far that is
      kSendReady,
      kGoOn,      // it has swapped: live data goes on behind the replay
      kLeaveOff,  // no replay any more: live data goes on where it was
    };
    Kind kind;
    ConsumerKey consumer;

    bool operator==(const Act&) const = default;
  };

  using Acts = std::vector<Act>;
  using Owed = std::map<std::string, std::size_t>;  // how many of that name

  RefreshRun(Definition definition, const Timing& timing, std::int64_t now_ms);

  // One that has ended, or is to be resumed, with who is still owed it.
  RefreshRun(Definition definition,
             const Timing& timing,
             std::int64_t now_ms,
             const RefreshStatus& kept,
             const Owed& owed,
             bool has_stalled = false);

  // From now on consumers are told: it is on disk, and nothing more is going to be rebuilt.
  Acts open(std::int64_t now_ms);

  // A subscription that holds the topic whole; `is_fresh`: it has no copy yet. An ended refresh
  // takes only who is owed it.
  Acts join(ConsumerKey key, const std::string& name, bool is_fresh, std::int64_t now_ms);
  Acts leave(ConsumerKey key, std::int64_t now_ms);

  // It had the topic before the refresh began and went away at `left_at_ms`. Who is owed it
  // already, by that many of that name, is not owed it twice.
  void owe(const std::string& name, std::int64_t left_at_ms, std::size_t count = 1);

  // `newer`, of the same topic, takes its place: who has not finished is owed that one instead, and
  // who is here is left off. One that runs ends ABORTED.
  Acts hand_over(RefreshRun& newer, std::int64_t now_ms);

  // That name has come back to a newer one.
  void forget(const std::string& name);

  Acts on_reset_ack(ConsumerKey key, std::uint64_t id, std::int64_t now_ms);
  Acts on_ready_ack(ConsumerKey key, std::uint64_t id, std::int64_t now_ms);

  // The replay begins there: what is below is not going to be acknowledged.
  void began(ConsumerKey key, const std::vector<Offset>& starts);

  // The replay passes over what lies between, per partition: it was removed from the log. It counts
  // as acknowledged when all before it is.
  void skips(ConsumerKey key, const std::vector<Offset>& from, const std::vector<Offset>& to);

  // All below `goal`, which is not below the barrier, was sent.
  Acts sent_all(ConsumerKey key, const std::vector<Offset>& goal, std::int64_t now_ms);

  // The consumer's copy has all below `next`.
  Acts acknowledged(
      ConsumerKey key, std::uint64_t id, PartitionId partition, Offset next, std::int64_t now_ms);

  void set_barrier(std::vector<Offset> barrier);

  // How far the broker's own copy is, per partition.
  Acts has(const std::vector<Offset>& own, std::int64_t now_ms);

  // What is due: RESET and READY again, giving up. Call it a few times a second.
  Acts tick(std::int64_t now_ms);

  Acts abort(const std::string& why);

  [[nodiscard]] const Definition& definition() const { return definition_; }

  [[nodiscard]] RefreshState state() const { return state_; }

  [[nodiscard]] bool is_open() const { return is_open_; }

  [[nodiscard]] const std::optional<std::vector<Offset>>& barrier() const { return barrier_; }

  // Takes part, and has not finished.
  [[nodiscard]] bool is_busy_with(ConsumerKey key) const;

  [[nodiscard]] bool is_busy() const;

  // It ended ABORTED because nothing moved.
  [[nodiscard]] bool has_stalled() const { return has_stalled_; }

  // Also those who are here and have not finished: what a restart of the broker must know.
  [[nodiscard]] Owed unfinished() const;

  // Another number whenever that may have changed.
  [[nodiscard]] std::uint64_t unfinished_version() const { return unfinished_version_; }

  // Without `ended_at_ms`, which the caller's clock knows.
  [[nodiscard]] RefreshStatus status() const;

 private:
  enum class Phase : std::uint8_t { kReset, kReplaying, kReady, kDone };

  struct Skipped {
    Offset from;
    Offset to;
  };

  struct Consumer {
    std::string name;
    Phase phase = Phase::kReset;
    std::int64_t told_at_ms = 0;  // RESET or READY
    std::int64_t progress_at_ms = 0;
    std::vector<Offset> acknowledged;
    std::vector<Skipped> skipped;  // the last of each partition
    std::optional<std::vector<Offset>> goal;
    // It came when the refresh ran already, with a copy, and nobody was owed it by that name: it
    // may be somebody who is still here, and whose connection is about to be seen to be lost.
    bool may_be_another = false;
  };

  struct Away {
    std::size_t count = 0;
    std::int64_t since_ms = INT64_MIN;  // the last of them
  };

  [[nodiscard]] bool is_over() const { return broker::is_over(state_); }

  [[nodiscard]] bool is_for_us(std::uint64_t id) const {
    return id == definition_.id && state_ != RefreshState::kAborted;
  }

  Consumer* find(ConsumerKey key);
  void note_progress(Consumer& consumer, std::int64_t now_ms);
  static void pass_over_skipped(Consumer& consumer, std::size_t partition);
  void try_ready(ConsumerKey key, Consumer& consumer, std::int64_t now_ms, Acts& acts);
  Away* away_of(const std::string& name);   // null: too many are away
  bool take_away(const std::string& name);  // false: it was not owed
  [[nodiscard]] bool is_back(ConsumerKey key, const std::string& name);
  void settle(std::int64_t now_ms);
  [[nodiscard]] bool own_is_whole() const;
  [[nodiscard]] bool waits_for_anybody(std::int64_t now_ms) const;
  Acts leave_off_stalled(std::int64_t now_ms);
  [[nodiscard]] std::string who_stalls() const;

  Definition definition_;
  Timing timing_;
  RefreshState state_ = RefreshState::kResetSent;
  bool is_open_ = false;
  bool has_stalled_ = false;
  std::string failure_;
  std::optional<std::vector<Offset>> barrier_;
  std::vector<Offset> own_;
  std::map<ConsumerKey, Consumer> consumers_;
  std::map<std::string, Away> away_;
  Owed finished_;  // and gone since; kOwedMax names
  std::uint64_t unfinished_version_ = 1;
  std::int64_t progress_at_ms_;
};

}  // namespace xylem::broker
