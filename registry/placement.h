// Who follows whom: ordered parents for a node, from the nodes that are there.
//
// A child is given nodes of the next tier up whose location contains its own, spread by rendezvous
// hashing, then those of the tiers above, ending in the root tier (which serves every location). A
// node without a location contains every other one. At a site (see Location::site) without a node
// of a higher tier, one node pulls over the WAN and its siblings of the same tier follow it.
//
// A parent ranks strictly before its child by (tier, depth of location, id), the latter two only
// within a site. So the graph of all assignments, also of several versions mixed, has no cycle as
// long as roles and locations stay.
//
// Pure: no clock, no I/O. Threads: one.
#pragma once

#include "common/ids.h"
#include "registry/role.h"

#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace xylem::registry {

struct PlacedNode {
  NodeId id;
  Role role = Role::kLocal;
  Location location;
  double weight = 1;  // its share of children beside others; > 0
};

class Placement {
 public:
  struct Limits {
    std::size_t tier_parents_max = 4;
    std::size_t sibling_parents_max = 2;
    std::size_t root_parents_max = 8;
  };

  Placement() : Placement(Limits()) {}

  explicit Placement(const Limits& limits) : limits_(limits) {}

  void put(const PlacedNode& node);  // adds or replaces
  void remove(const NodeId& id);     // no-op when it is not there

  [[nodiscard]] bool contains(const NodeId& id) const { return nodes_.contains(id); }

  // Best first. `child` need not be here itself. None for a ROOT.
  [[nodiscard]] std::vector<NodeId> parents_of(const PlacedNode& child) const;

  // By id.
  [[nodiscard]] std::vector<NodeId> roots() const;

 private:
  using SiteRank = std::pair<std::size_t, NodeId>;  // depth of location, id
  using Tier = std::map<std::string, std::map<NodeId, double>, std::less<>>;  // location -> weights

  void add_siblings(const PlacedNode& child, std::vector<NodeId>& parents) const;
  void add_tier(std::size_t tier, const PlacedNode& child, std::vector<NodeId>& parents) const;

  Limits limits_;
  std::map<NodeId, PlacedNode> nodes_;
  std::array<Tier, kRoleCount> tiers_;
  std::array<std::map<std::string, std::set<SiteRank>, std::less<>>, kRoleCount> sites_;
};

}  // namespace xylem::registry
