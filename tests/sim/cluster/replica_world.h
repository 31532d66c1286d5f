// Replicas of one partition, their logs, a network between them and the decisions of a quorum, all
// driven by one seed: what the replica machine and the rules of elections must get right whatever
// is lost, late or dead.
//
// A history: clients append with acks=all; messages are delayed, reordered and lost; brokers crash
// and lose what was not synced, come back with an empty disk, are taken for dead; replicas move;
// leaders change. After every event it holds that what was once committed is in every log that has
// that offset committed, and whoever leads the current epoch has all that was acknowledged.
// Threads: one. The same seed gives the same history.
#pragma once

#include "broker/cluster/cluster_state.h"
#include "broker/cluster/replica.h"
#include "common/random.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::sim {

class ReplicaWorld {
 public:
  explicit ReplicaWorld(std::uint64_t seed);

  // Runs `events` of them; what went wrong, empty: nothing.
  std::string run(int events);

  // Everybody lives and hears; then all logs must be equal and all acknowledged.
  std::string heal();

  [[nodiscard]] std::size_t acknowledged() const { return committed_.size(); }

  [[nodiscard]] int elections() const { return elections_; }

  [[nodiscard]] int truncations() const { return truncations_; }

  [[nodiscard]] int set_changes() const { return set_changes_; }

  [[nodiscard]] int moves() const { return moves_; }

  [[nodiscard]] int disks_lost() const { return disks_lost_; }

 private:
  struct Entry {
    Epoch epoch;
    std::uint64_t value = 0;
    bool operator==(const Entry&) const = default;
  };

  struct Node {
    std::optional<broker::Replica> machine;  // none: it is dead
    std::vector<Entry> log;
    std::size_t synced = 0;
    Uuid disk;
    std::deque<broker::PartitionRecord> to_hear;  // decisions on their way
  };

  struct Question {
    broker::ReplicaId to;
    broker::Replica::Fetch fetch;
    Epoch last_epoch;
  };

  struct Ending {
    Epoch epoch;
    std::size_t offset = 0;
  };

  struct Answer {
    broker::ReplicaId from;
    broker::ReplicaId to;
    Epoch epoch;
    std::size_t cursor = 0;
    Epoch asked_last_epoch;
    std::optional<Ending> cut_back;
    std::vector<Entry> entries;
    Offset high_watermark;
  };

  static std::size_t end_of(const std::vector<Entry>& log, Epoch epoch);
  [[nodiscard]] broker::Replica::Log facts(const Node& node) const;

  Node& node(broker::ReplicaId id) { return nodes_[static_cast<std::size_t>(id.value())]; }

  void event();
  void act(Node& node, const broker::Replica::Actions& actions);
  void append(Node& leader);
  void sync(Node& node);
  void ask(Node& follower);
  void answer(const Question& question);
  void hear(const Answer& answer);

  [[nodiscard]] const broker::PartitionRecord& decided() const { return *state_.find(log_); }

  [[nodiscard]] broker::ReplicaId id_of(const Node& node) const;
  void change_brokers();
  void decide(const Node& leader, const broker::Replica::Propose& proposal);
  bool decide(const broker::ClusterCommand& command);
  void enter(Node& node);
  void lose_disk(Node& lost);
  void tell(Node& node);
  void crash(Node& node);
  void start(Node& node);
  void committed(const Node& node, Offset high_watermark);
  void fail(const std::string& what);

  Random random_;
  std::int64_t now_ms_ = 0;
  std::vector<Node> nodes_;
  std::vector<Question> questions_;
  std::vector<Answer> answers_;
  broker::ClusterState state_;
  LogId log_;
  std::vector<Entry> committed_;  // by offset, as a leader first told
  std::uint64_t values_ = 0;
  int elections_ = 0;
  int truncations_ = 0;
  int set_changes_ = 0;
  int moves_ = 0;
  int disks_lost_ = 0;
  std::string fault_;
};

}  // namespace xylem::sim
