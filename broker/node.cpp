#include "broker/node.h"

#include "storage/identity/cluster_file.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {

Node::Node(const Context& context, const BrokerOptions& options)
    : context_(context),
      id_(options.node),
      data_dir_(options.data_dir),
      instance_(Uuid::random(context.random).text().substr(0, 16)),
      first_role_(options.role_before_registry()),
      owner_(first_role_ == Role::kRoot ||
             (first_role_ == Role::kLocal && options.registry_url.empty())),
      cache_(context.disk, options.data_dir) {}

Result<Node> Node::open(const Context& context, const BrokerOptions& options) {
  Node node(context, options);
  auto cluster = storage::read_cluster(context.disk, options.data_dir);
  if (!cluster) return pass(cluster);
  if (*cluster) {
    node.cluster_ = **cluster;
  } else if (node.first_role_ == Role::kRoot) {
    return fail(Errc::kInvalidRequest,
                options.data_dir + " holds no cluster: an empty disk never makes one by itself",
                "run: xylem root init --data-dir " + options.data_dir);
  } else if (node.owner_) {
    if (auto made = node.adopt(Uuid::random(context.random)); !made) return pass(made);
  }
  if (options.registry_url.empty()) return node;
  auto cached = node.cache_.load(node.id_);
  if (cached) {
    node.topology_ = std::move(*cached);
  } else {
    context.logger.warn("topology.cache_unusable", {{"error", cached.error().what()}});
  }
  return node;
}

Leader Node::leader() const {
  if (owner_) return {id_, endpoints_.tcp, endpoints_.http, kNoEpoch};
  if (!topology_ || topology_->roots.empty()) return {};
  const auto& root = topology_->roots.front();
  return {root.node, root.tcp, root.http, kNoEpoch};
}

std::string Node::http_of(const NodeId& root) const {
  if (root == id_) return endpoints_.http;
  if (!topology_) return {};
  const auto known = std::ranges::find(topology_->roots, root, &Peer::node);
  return known == topology_->roots.end() ? std::string() : known->http;
}

Status Node::adopt(const ClusterId& cluster) {
  if (cluster == cluster_) return {};
  auto written = storage::write_cluster(context_.disk, data_dir_, cluster);
  if (!written) return written;
  cluster_ = cluster;
  context_.logger.info("cluster.joined", {{"cluster", cluster.text()}});
  return {};
}

void Node::move_to(const Topology& topology) {
  if (!topology.cluster.is_nil() && topology.cluster != cluster_) {
    const auto adopted = adopt(topology.cluster);
    if (!adopted) {
      context_.logger.error("cluster.refused",
                            {{"error", adopted.error().what()}, {"hint", adopted.error().hint()}});
      return;
    }
  }
  topology_ = topology;
  context_.logger.info("topology.changed", {{"version", topology.version},
                                            {"role", to_string(topology.role)},
                                            {"parents", topology.parents.size()}});
  if (const auto saved = cache_.save(topology); !saved)
    context_.logger.warn("topology.cache_failed", {{"error", saved.error().what()}});
}

}  // namespace xylem::broker
