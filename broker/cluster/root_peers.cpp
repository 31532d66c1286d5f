#include "broker/cluster/root_peers.h"

#include "broker/cluster/cluster_command.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::broker {
namespace {

Result<RootPeer> peer_of(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos)
    return fail(Errc::kInvalidRequest, "\"" + std::string(text) + "\" is not node@host:port");
  RootPeer peer{.node = std::string(text.substr(0, at)), .address = {}};
  if (auto good = check_node_id(peer.node); !good) return pass(good);
  auto address = network::Address::parse(text.substr(at + 1));
  if (!address) return pass(address, text);
  peer.address = std::move(*address);
  return peer;
}

}  // namespace

Result<std::vector<RootPeer>> root_peers_of(std::string_view text) {
  std::vector<RootPeer> peers;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto peer = peer_of(text.substr(0, end));
    if (!peer) return pass(peer);
    const bool is_twice = std::ranges::any_of(peers, [&](const RootPeer& other) {
      return other.node == peer->node || other.address == peer->address;
    });
    if (is_twice) return fail(Errc::kInvalidRequest, peer->node + " or its address is there twice");
    peers.push_back(std::move(*peer));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (peers.size() > static_cast<std::size_t>(kRootBrokersMax))
    return fail(Errc::kInvalidRequest, "more than " + std::to_string(kRootBrokersMax) + " brokers");
  return peers;
}

std::optional<ReplicaId> number_of(const std::vector<RootPeer>& peers, const NodeId& node) {
  const auto found = std::ranges::find(peers, node, &RootPeer::node);
  if (found == peers.end()) return std::nullopt;
  return ReplicaId(static_cast<std::int32_t>(found - peers.begin()));
}

}  // namespace xylem::broker
