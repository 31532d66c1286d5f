// All that the metadata quorum has decided: brokers, topics, partitions.
//
// A pure state machine: the same commands in the same order give the same state on every broker.
// The rules of elections are here, and nowhere else (DESIGN section 8):
//  - Only a living member of the in-sync set leads: the preferred one, else the first.
//  - Every start of a leadership is a new epoch, also of the same broker.
//  - Who is fenced leaves the set while min_insync members stay: fewer would not survive the loss
//    of min_insync - 1 disks [KIP-966]. For the same reason no leader may shrink it below that.
//  - A member that comes with another disk, with a log that it could not prove, or from an unclean
//    end to a topic that is not always synced, leaves the set. It may be the last one; then nobody
//    leads until an operator says who.
//  - Where nobody in the set is alive an operator may force an election among the other replicas.
//    The topic then begins a new generation, for what it loses may have been read: no copy below
//    may take the new history for a continuation of the old.
//
// Errors: of apply: what is wrong with the command as things are now; the state is as before.
// Threads: one.
#pragma once

#include "broker/cluster/cluster_command.h"
#include "broker/cluster/partition_record.h"
#include "broker/topics/topic_definition.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

struct RootBroker {
  NodeId node;
  Uuid instance;
  Uuid disk;
  std::string clients;
  std::string pipe;
  bool is_alive = false;

  bool operator==(const RootBroker&) const = default;
};

struct TopicState {
  TopicDefinition topic;
  std::vector<PartitionRecord> partitions;

  bool operator==(const TopicState&) const = default;
};

// What an operator had decided.
struct AuditEntry {
  Order order;
  std::string what;
  std::string result;

  bool operator==(const AuditEntry&) const = default;
};

class ClusterState {
 public:
  static constexpr std::size_t kAuditMax = 1'000;

  // What a command changed. A deleted topic's name is in `topics`, and where a generation ended the
  // partitions of both are in `partitions`.
  struct Changes {
    std::set<ReplicaId> brokers;
    std::set<std::string> topics;
    std::set<LogId> partitions;
    std::vector<AuditEntry> forced;  // elections
  };

  Result<Changes> apply(const ClusterCommand& command);

  [[nodiscard]] const std::map<ReplicaId, RootBroker>& brokers() const { return brokers_; }

  [[nodiscard]] const std::map<std::string, TopicState, std::less<>>& topics() const {
    return topics_;
  }

  // Null: there is no such one (any more).
  [[nodiscard]] const TopicState* find(const Incarnation& topic) const;
  [[nodiscard]] const PartitionRecord* find(const LogId& log) const;

  // In whatever generation.
  [[nodiscard]] const TopicState* find(const TopicId& topic) const;

  // The last kAuditMax, the oldest first.
  [[nodiscard]] const std::deque<AuditEntry>& audit() const { return audit_; }

  // Of what a broker copies for moves; 0: its own setting.
  [[nodiscard]] std::int64_t move_bytes_per_s() const { return move_bytes_per_s_; }

  // As placement wants it. A partition that moves is where it goes.
  [[nodiscard]] std::vector<Placed> placed() const;

  // The whole of it as JSON. kCorrupt: `json` is no state, or one that no commands give.
  [[nodiscard]] std::string to_json() const;
  static Result<ClusterState> from_json(std::string_view json);

  bool operator==(const ClusterState&) const = default;

 private:
  Result<Changes> decide(const RegisterBroker& command);
  Result<Changes> decide(const FenceBroker& command);
  Result<Changes> decide(const CreateTopic& command);
  Result<Changes> decide(const AlterTopic& command);
  Result<Changes> decide(const DeleteTopic& command);
  Result<Changes> decide(const ChangeInSync& command);
  Result<Changes> decide(const MoveReplicas& command);
  Result<Changes> decide(const ReturnLeaders& command);
  Result<Changes> decide(const ForceElection& command);

  [[nodiscard]] Status check(const TopicDefinition& topic,
                             const std::vector<std::vector<ReplicaId>>& replicas) const;
  [[nodiscard]] Status check(const std::vector<ReplicaId>& replicas) const;
  [[nodiscard]] bool is_alive(ReplicaId broker) const;
  [[nodiscard]] PartitionRecord made(const TopicDefinition& topic,
                                     const std::vector<ReplicaId>& replicas) const;
  void elect(PartitionRecord& record) const;
  bool change(PartitionRecord& record, const ChangeInSync::Change& change) const;
  void finish_move(PartitionRecord& record) const;
  [[nodiscard]] Status may_force(const ForceElection& command, const PartitionRecord& record) const;
  TopicState& begin_generation(const Incarnation& ended);
  void note(AuditEntry entry);
  [[nodiscard]] std::string described(const std::vector<Placed>& moves) const;
  TopicState* topic_of(const Incarnation& topic);
  PartitionRecord* record_of(const LogId& log);

  std::map<ReplicaId, RootBroker> brokers_;
  std::map<std::string, TopicState, std::less<>> topics_;
  std::map<Incarnation, std::string> names_;
  std::deque<AuditEntry> audit_;
  std::int64_t move_bytes_per_s_ = 0;
};

}  // namespace xylem::broker
