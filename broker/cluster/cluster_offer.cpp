#include "broker/cluster/cluster_offer.h"

namespace xylem::broker {

std::optional<pipe::SourcePartition> ClusterOffer::find(const LogId& log) const {
  const auto* record = metadata_.state().find(log);
  if (record == nullptr) return offer_.find(log);
  auto source = offer_.find(log).value_or(pipe::SourcePartition());
  const bool may_serve = source.is_leader || is_member(self_, record->in_sync);
  if (may_serve) return source;  // in the epoch that it leads in: decided may be a newer one
  source.log.reset();
  source.epoch = record->epoch;
  const auto leader = metadata_.state().brokers().find(record->leader);
  if (leader != metadata_.state().brokers().end()) {
    source.leader = leader->second.node;
    source.leader_address = leader->second.pipe;
  }
  return source;
}

bool ClusterOffer::is_replica(const NodeId& node, std::int32_t replica) const {
  const auto found = metadata_.state().brokers().find(ReplicaId(replica));
  return found != metadata_.state().brokers().end() && found->second.node == node;
}

}  // namespace xylem::broker
