// What the leader of the metadata quorum does for the others: it fences brokers that it does not
// hear, gives leaderships back to who is preferred, and places topics.
//
// It decides nothing: it says which commands are due, and the quorum decides. Who becomes
// controller hears everybody as of now, so a change of controllers alone fences nobody.
//
// Pure but for what it remembers of times. Threads: one.
#pragma once

#include "broker/cluster/cluster_command.h"
#include "broker/cluster/cluster_state.h"
#include "common/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace xylem::broker {

class Controller {
 public:
  struct Options {
    std::int64_t fence_after_ms = 900;     // not heard for so long
    std::int64_t refused_after_ms = 250;   // not heard since its host refused a connection
    std::int64_t return_after_ms = 5'000;  // the preferred leader is alive for so long
    std::int64_t retry_ms = 500;           // a command that was not decided is due again
  };

  explicit Controller(const Options& options) : options_(options) {}

  // This broker leads the quorum from now on.
  void begin(const ClusterState& state, std::int64_t now_ms);

  // Its host says that it is not there: it has died, if it is silent as well. Also before begin().
  void refused(ReplicaId broker, std::int64_t now_ms);

  // `broker` says that it is there.
  void heard(ReplicaId broker, std::int64_t now_ms);

  // nullopt: never, or its host has refused a connection since.
  [[nodiscard]] std::optional<std::int64_t> heard_ms(ReplicaId broker) const;

  // The commands that are due.
  [[nodiscard]] std::vector<ClusterCommand> tick(const ClusterState& state, std::int64_t now_ms);

 private:
  struct Seen {
    std::int64_t heard_ms = 0;
    std::optional<std::int64_t> refused_ms;  // first, since it was heard
    std::int64_t alive_since_ms = 0;
    std::int64_t fence_asked_ms = 0;
    bool is_alive = false;
  };

  void look_at(const ClusterState& state, std::int64_t now_ms);
  [[nodiscard]] bool is_missed(const Seen& seen, std::int64_t now_ms) const;
  [[nodiscard]] bool may_return(const PartitionRecord& record, std::int64_t now_ms) const;

  Options options_;
  std::map<ReplicaId, Seen> seen_;
  std::int64_t return_asked_ms_ = 0;
};

// `topic` on brokers that are alive. kNotEnoughReplicas: they are too few; kAlreadyExists.
Result<CreateTopic> plan_creation(const ClusterState& state, const TopicDefinition& topic);

// `topic` in place of the one of its incarnation. kUnknownTopicOrPartition; kInvalidRequest: fewer
// partitions, or another number of replicas; kNotEnoughReplicas.
Result<AlterTopic> plan_alteration(const ClusterState& state, const TopicDefinition& topic);

// What moves so that all replicas are on `brokers` (none: all that are alive), evenly; at most
// kChangesMax. What moves already is where it goes. kInvalidRequest: one is not alive, or is there
// twice.
Result<std::vector<Placed>> plan_rebalance(const ClusterState& state,
                                           std::vector<ReplicaId> brokers);

}  // namespace xylem::broker
