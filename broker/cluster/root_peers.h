// Who the root brokers are (ROOT_PEERS): "root-0@host:6081,root-1@host:6081,...". The place in the
// list is the broker's number, the same on every broker and for ever; the address is where its
// RAFT_PORT is reached.
#pragma once

#include "broker/cluster/partition_record.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <optional>
#include <string_view>
#include <vector>

namespace xylem::broker {

struct RootPeer {
  NodeId node;
  network::Address address;

  bool operator==(const RootPeer&) const = default;
};

// By number. kInvalidRequest: not such a list, too long, or a node or an address twice.
Result<std::vector<RootPeer>> root_peers_of(std::string_view text);

// nullopt: none of them.
std::optional<ReplicaId> number_of(const std::vector<RootPeer>& peers, const NodeId& node);

}  // namespace xylem::broker
