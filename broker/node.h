// Who this broker is at the moment: its role, its cluster, its place in the tree.
//
// A root, or a LOCAL broker without a registry, owns every partition. Everyone else learns the
// cluster from the registry or from its first parent and keeps it: a node never changes cluster.
//
// Threads: the loop's.
#pragma once

#include "broker/config.h"
#include "broker/delivery/client_context.h"
#include "broker/topology/topology.h"
#include "broker/topology/topology_cache.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/random.h"
#include "common/result.h"
#include "storage/disk.h"

#include <optional>
#include <string>

namespace xylem::broker {

struct Endpoints {
  std::string tcp;   // host:port
  std::string http;  // host:port
  std::string pipe;  // http://host:port
};

class Node {
 public:
  struct Context {
    Logger& logger;
    Random& random;
    storage::Disk& disk;
  };

  // Reads the cluster and the cached topology. kInvalidRequest: a root whose directory was never
  // initialised.
  static Result<Node> open(const Context& context, const BrokerOptions& options);

  [[nodiscard]] const NodeId& id() const { return id_; }

  [[nodiscard]] const std::string& instance() const { return instance_; }

  [[nodiscard]] Role role() const { return topology_ ? topology_->role : first_role_; }

  [[nodiscard]] bool is_owner() const { return owner_; }

  [[nodiscard]] const ClusterId& cluster() const { return cluster_; }

  [[nodiscard]] const std::optional<Topology>& topology() const { return topology_; }

  [[nodiscard]] Leader leader() const;

  // A root broker's administration, "host:port", as the registry told it; empty: not known.
  [[nodiscard]] std::string http_of(const NodeId& root) const;

  void set_endpoints(Endpoints endpoints) { endpoints_ = std::move(endpoints); }

  [[nodiscard]] const Endpoints& endpoints() const { return endpoints_; }

  // The first contact with a cluster. kAlreadyExists: this node belongs to another one.
  Status adopt(const ClusterId& cluster);

  // Takes a topology over and caches it; a cluster it names is adopted.
  void move_to(const Topology& topology);

 private:
  Node(const Context& context, const BrokerOptions& options);

  Context context_;
  NodeId id_;
  std::string data_dir_;
  std::string instance_;
  Role first_role_;
  bool owner_;
  ClusterId cluster_;
  std::optional<Topology> topology_;
  TopologyCache cache_;
  Endpoints endpoints_;
};

}  // namespace xylem::broker
