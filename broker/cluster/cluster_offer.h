// The parent's end of the pipe in a root tier of several: what its replicas look like to followers
// and children, and where all others are.
//
// Children are served by the leader and by replicas in sync; who is not names the leader.
// Threads: the loop's.
#pragma once

#include "broker/cluster/cluster_metadata.h"
#include "broker/cluster/replicas.h"
#include "broker/upstream/offer.h"

#include <optional>

namespace xylem::broker {

class ClusterOffer final : public pipe::PipeSource {
 public:
  ClusterOffer(const Offer& offer,
               const ClusterMetadata& metadata,
               Replicas& replicas,
               ReplicaId self)
      : offer_(offer), metadata_(metadata), replicas_(replicas), self_(self) {}

  [[nodiscard]] std::optional<pipe::SourcePartition> find(const LogId& log) const override;

  [[nodiscard]] NodeId node() const override { return offer_.node(); }

  [[nodiscard]] ClusterId cluster() const override { return offer_.cluster(); }

  [[nodiscard]] std::uint64_t topology_version() const override {
    return offer_.topology_version();
  }

  [[nodiscard]] bool is_replica(const NodeId& node, std::int32_t replica) const override;

  void on_replica(std::int32_t replica, const pipe::FetchPartition& at) override {
    replicas_.fetched(ReplicaId(replica), at);
  }

  void on_replica_asks(std::int32_t replica) override { replicas_.heard(ReplicaId(replica)); }

 private:
  const Offer& offer_;
  const ClusterMetadata& metadata_;
  Replicas& replicas_;
  ReplicaId self_;
};

}  // namespace xylem::broker
