// One replica of one partition: who leads, who is in sync, what is committed.
//
// A pure state machine: events in, actions out; no I/O, no clock. A shell runs it over a log, the
// pipe and the metadata quorum; tests/sim runs thousands of histories of it.
//
// Rules (DESIGN section 8; PITFALLS of others in brackets):
//  - A leader commits what every member of the decided set has synced, and of every set that it has
//    proposed and not seen decided [KIP-966]; never with fewer than min_insync members.
//  - A replica is proposed for the set once it has fetched in this epoch and by the newest record,
//    and is at the high watermark and at the start of the epoch. A broker that starts makes a new
//    record: what it said before, perhaps with another disk, does not let it in [KIP-903].
//  - One that was not at the leader's end for lag_max_ms is proposed out, while min_insync members
//    stay. Until that is decided it counts: a leader that cannot reach the quorum commits nothing
//    alone.
//  - A follower cuts back by epoch history, never to the high watermark [KIP-101, KIP-279], and
//    only where the answer is about what its log still is.
// Threads: one.
#pragma once

#include "broker/cluster/partition_record.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace xylem::broker {

class Replica {
 public:
  struct Options {
    std::int64_t lag_max_ms = 1'500;
    std::int64_t proposal_retry_ms = 500;  // no decision seen: asked for again
  };

  // What this replica's own log is.
  struct Log {
    Offset start;
    Offset end;     // all that was appended
    Offset synced;  // what the topic's flush policy counts as safe
    Epoch last_epoch = kNoEpoch;
  };

  // What a follower says of itself in each fetch, after the handshake found it on our history.
  struct Fetch {
    ReplicaId replica;
    Epoch epoch;  // of the leadership that it follows
    Offset end;   // its cursor
    Offset synced;
    std::uint64_t version = 0;  // of the record that it goes by
  };

  // What a leader said: cut back to `offset`, for what you asked with was this.
  struct CutBack {
    ReplicaId leader;
    Epoch epoch;
    Offset asked_end;
    Epoch asked_last_epoch;
    Offset offset;
  };

  // Actions.
  struct Lead {
    Epoch epoch;
  };

  struct Follow {
    ReplicaId leader;
    Epoch epoch;
  };

  struct Rest {};  // nobody leads, or we have no replica any more

  struct Propose {
    ReplicaSet in_sync;
    std::uint64_t version;
  };  // decided only while that is the version

  struct Commit {
    Offset high_watermark;
  };

  struct Truncate {
    Offset offset;
  };

  using Action = std::variant<Lead, Follow, Rest, Propose, Commit, Truncate>;
  using Actions = std::vector<Action>;

  enum class Role : std::uint8_t { kNone, kFollower, kLeader };

  Replica(ReplicaId id, const Options& options) : id_(id), options_(options) {}

  // The quorum decided; older records than the last one are ignored. `log` is ours, after what it
  // was told to do before.
  Actions decided(const PartitionRecord& record, const Log& log, std::int64_t now_ms);

  // Leader: more of the own log is safe.
  Actions log_moved(const Log& log, std::int64_t now_ms);

  // Follower, out of the set: damage took what is gone, or the log begins anew. How far it was
  // committed is learned again.
  void log_cut(const Log& log) { high_watermark_ = std::min(high_watermark_, log.end); }

  // Leader: a follower asked.
  Actions fetched(const Fetch& fetch, const Log& log, std::int64_t now_ms);

  // Leader: `follower` has asked since; where it stands is still what it said last.
  Actions heard(ReplicaId follower, const Log& log, std::int64_t now_ms);

  // Follower: the leader of `epoch` answered.
  Actions leader_said(Epoch epoch, Offset high_watermark, const Log& log);
  Actions leader_said(const CutBack& answer, const Log& log);

  // Every few hundred milliseconds.
  Actions tick(std::int64_t now_ms);

  [[nodiscard]] ReplicaId id() const { return id_; }

  [[nodiscard]] Role role() const { return role_; }

  [[nodiscard]] Epoch epoch() const { return record_.epoch; }

  [[nodiscard]] const PartitionRecord& record() const { return record_; }

  [[nodiscard]] Offset high_watermark() const { return high_watermark_; }

  // Of the decided set, how many keep up: with fewer than min_insync nothing can be promised.
  [[nodiscard]] std::uint16_t keeping_up(std::int64_t now_ms) const;

  // Of the decided set, how many have synced all below `end`.
  [[nodiscard]] std::uint16_t synced_at(Offset end, const Log& log) const;

 private:
  struct Follower {
    Offset end;
    Offset synced;
    bool has_fetched = false;   // in this epoch
    std::uint64_t version = 0;  // of the record that it went by
    Offset leader_end;          // ours, when it fetched last
    std::int64_t fetched_ms = 0;
    std::int64_t caught_up_ms = 0;  // when it was last known to have all we had
  };

  void lead(const Log& log, std::int64_t now_ms);
  void commit(const Log& log, Actions& actions);
  void propose(std::int64_t now_ms, Actions& actions);
  [[nodiscard]] bool keeps_up(ReplicaId member, std::int64_t now_ms) const;
  [[nodiscard]] bool may_join(const Follower& follower) const;
  [[nodiscard]] Offset synced_of(ReplicaId member, const Log& log) const;

  ReplicaId id_;
  Options options_;
  PartitionRecord record_;
  Role role_ = Role::kNone;
  Offset high_watermark_;
  Offset epoch_start_;  // our end when this leadership began
  std::map<ReplicaId, Follower> followers_;
  std::vector<ReplicaSet> undecided_;  // proposed on record_.version
  std::int64_t proposed_ms_ = 0;
};

}  // namespace xylem::broker
