// The replicas of partitions that this broker has, each a state machine over its log.
//
// What the quorum decides, what followers say in their fetches, what a leader answers and what the
// disk has done goes in; what comes out is done here: lead, follow, commit, cut back, propose.
// Nothing is done by a record before `activate()`: what an earlier life of this broker led, it
// leads no more.
//
// A log that fails takes the whole broker out: it asks to be fenced, and others lead in its place.
// A log that has lost something leaves the in-sync set, is cut back to before that, and is pulled
// anew from its leader.
//
// Threads: the loop's.
#pragma once

#include "broker/cluster/cluster_metadata.h"
#include "broker/cluster/replica.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/loop/turn_end.h"
#include "common/result.h"
#include "common/timer.h"
#include "pipe/messages.h"
#include "storage/storage_engine.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

namespace xylem::broker {

class Replicas final : public Replication {
 public:
  static constexpr std::uint64_t kTickMs = 250;

  struct Hooks {
    std::function<void(const LogId& log, ReplicaId leader)> follow;  // pull from there from now on
    std::function<void(const LogId& log)> rest;                      // from nobody
    std::function<void(const Partition& partition)> moved;           // a follower's log
    std::function<void(const LogId& log)> changed;  // who leads, or what is there for followers
    std::function<void(const LogId& log)> filled;   // it holds something, on the disk
    std::function<void(const LogId& log)> left;     // for good
    // This copy has lost something of what others count on it for.
    std::function<void(const LogId& log)> damaged;
  };

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    PartitionTable& partitions;
    ClusterMetadata& metadata;
    const storage::StorageEngine& storage;
  };

  Replicas(const Context& context, ReplicaId self, Hooks hooks);
  ~Replicas() override;
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  // This life of the broker is registered.
  void activate();

  [[nodiscard]] bool is_active() const { return is_active_; }

  // A log has failed: this broker leads nothing until it is started again.
  [[nodiscard]] bool is_out() const { return is_out_; }

  // What the quorum decided.
  void on_changes(const ClusterState::Changes& changes);

  // A leader's part: what a follower's fetch says of itself, and that it asks at all.
  void fetched(ReplicaId follower, const pipe::FetchPartition& at);
  void heard(ReplicaId follower);

  // A follower's part. What the log is and whom it follows; what the leader answered.
  [[nodiscard]] Result<pipe::FetchPartition> position(const LogId& log) const;
  Status store(const pipe::FetchedPartition& fetched);
  Status repair(const pipe::FetchedPartition& fetched);
  void confirm(const LogId& log, std::uint64_t age_ms);

  void log_moved(Partition& partition) override;
  [[nodiscard]] Status may_append(const LogId& log, Acks acks) const override;
  [[nodiscard]] std::uint16_t synced_at(const LogId& log, Offset end) const override;
  [[nodiscard]] std::uint64_t leader_age_ms() const override;

 private:
  struct Hosted {
    Partition* partition = nullptr;
    Replica machine;
    Offset offered;  // to followers: what was written here when they were woken last
    bool is_filled = false;
    bool is_damage_told = false;
  };

  [[nodiscard]] static Replica::Log facts(const Partition& partition);

  [[nodiscard]] std::int64_t now_ms() const { return context_.clock.monotonic_ms(); }

  [[nodiscard]] const Hosted* find(const LogId& log) const;
  void decide(const LogId& log);
  Hosted* open(const LogId& log);
  void leave(const LogId& log);
  [[nodiscard]] bool goes_on(const LogId& ended) const;
  void act(Hosted& hosted, const Replica::Actions& actions);
  void act(Hosted& hosted, const Replica::Lead& lead);
  void act(Hosted& hosted, const Replica::Follow& follow);
  void act(Hosted& hosted, const Replica::Rest& rest);
  void act(Hosted& hosted, const Replica::Propose& proposal);
  void act(Hosted& hosted, const Replica::Commit& commit);
  void act(Hosted& hosted, const Replica::Truncate& truncate);
  void propose();
  void note_filled(Hosted& hosted);
  void look_for_damage(Hosted& hosted);
  void note_left_over() const;
  void tick();
  void ask_to_be_fenced();

  Context context_;
  ReplicaId self_;
  Hooks hooks_;
  bool is_active_ = false;
  bool is_out_ = false;
  std::unordered_map<LogId, Hosted> hosted_;
  std::set<LogId> unopened_;  // ours, but their logs could not be opened
  std::map<ReplicaId, std::int64_t> heard_ms_;
  ChangeInSync proposals_;  // of this turn
  TurnEnd turn_end_;
  Timer ticker_;
};

}  // namespace xylem::broker
