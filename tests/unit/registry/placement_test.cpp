#include "registry/placement.h"

#include "common/random.h"
#include "registry/rendezvous.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace xylem::registry {
namespace {

using Ids = std::vector<NodeId>;

PlacedNode node(std::string_view id, std::string_view location = "", double weight = 1) {
  auto parsed = Location::parse(location);
  REQUIRE(parsed);
  return {
      .id = NodeId(id), .role = role_of({}, *parsed, id), .location = *parsed, .weight = weight};
}

PlacedNode root(std::string_view id) { return {.id = NodeId(id), .role = Role::kRoot}; }

Placement placement_of(const std::vector<PlacedNode>& nodes) {
  Placement placement;
  for (const auto& each : nodes) placement.put(each);
  return placement;
}

bool contains(const Location& outer, const Location& inner) {
  const auto locations = inner.containing();
  return std::ranges::find(locations, outer.text()) != locations.end();
}

// Ten regions of areas of sites; some nodes without a place, some roles by id.
std::vector<PlacedNode> random_fleet(Random& random, std::size_t count) {
  std::vector<PlacedNode> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    std::string location;
    const auto depth = random.below(6);
    for (std::uint64_t segment = 0; segment < depth; ++segment)
      location += (segment == 0 ? "" : "/") + std::to_string(random.below(3));
    auto placed = node("n" + std::to_string(i), location);
    if (random.below(3) == 0) placed.role = static_cast<Role>(random.below(kRoleCount));
    nodes.push_back(placed);
  }
  return nodes;
}

TEST_CASE("placement: the next tier that contains the child, then the ones above, then the roots") {
  const auto placement =
      placement_of({root("root-0"), node("l2-eu", "eu"), node("l2-us", "us"),
                    node("l3-berlin", "eu/berlin"), node("l3-paris", "eu/paris")});
  CHECK(placement.parents_of(node("pos-0", "eu/berlin/s1")) == Ids{"l3-berlin", "l2-eu", "root-0"});
  CHECK(placement.parents_of(node("l3-x", "us/nyc")) == Ids{"l2-us", "root-0"});
  CHECK(placement.parents_of(node("l2-x", "asia")) == Ids{"root-0"});
  CHECK(placement.parents_of(root("root-1")).empty());
  CHECK(placement.parents_of(node("pos-0", "asia/tokyo/s1")) == Ids{"root-0"});
}

TEST_CASE("placement: a node without a location contains every other one, and is in no region") {
  const auto placement = placement_of({root("root-0"), node("l2-0"), node("l3-0", "eu/berlin")});
  CHECK(placement.parents_of(node("l3-1", "us/nyc")) == Ids{"l2-0", "root-0"});
  CHECK(placement.parents_of(node("pos-0")) == Ids{"l2-0", "root-0"});
}

TEST_CASE("placement: at a site one node pulls over the WAN, its siblings follow it") {
  const std::string site = "eu/berlin/s1";
  const std::vector<PlacedNode> tills{node("a", site), node("b", site), node("c", site),
                                      node("d", site), node("e", site + "/upstairs")};
  auto placement = placement_of(tills);
  placement.put(root("root-0"));
  placement.put(node("l3-0", "eu/berlin"));
  CHECK(placement.parents_of(tills[0]) == Ids{"l3-0", "root-0"});
  CHECK(placement.parents_of(tills[1]) == Ids{"a", "l3-0", "root-0"});
  CHECK(placement.parents_of(tills[3]) == Ids{"a", "b", "l3-0", "root-0"});
  CHECK(placement.parents_of(tills[4]) == Ids{"a", "b", "l3-0", "root-0"});
  CHECK(placement.parents_of(node("z", "eu/berlin/s2")) == Ids{"l3-0", "root-0"});

  placement.remove("a");
  CHECK(placement.parents_of(tills[1]) == Ids{"l3-0", "root-0"});
}

TEST_CASE("placement: a site with a node of a higher tier needs no sibling") {
  auto local = node("aa", "eu/berlin/s1");
  auto other = node("bb", "eu/berlin/s1");
  local.role = other.role = Role::kLocal;
  const auto placement =
      placement_of({root("root-0"), node("pos-0", "eu/berlin/s1"), local, other});
  CHECK(placement.parents_of(other) == Ids{"pos-0", "root-0"});
}

TEST_CASE("placement: random fleets have no cycle, and end at a root") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    auto nodes = random_fleet(random, 60);
    nodes.push_back(root("root-0"));
    const auto placement = placement_of(nodes);
    std::map<NodeId, PlacedNode> by_id;
    for (const auto& each : nodes) by_id.emplace(each.id, each);

    std::map<NodeId, int> depth;  // -1: on the way, so meeting it again is a cycle
    std::function<void(const NodeId&)> walk = [&](const NodeId& id) {
      const auto [seen, is_new] = depth.emplace(id, -1);
      REQUIRE((is_new || seen->second != -1));
      if (!is_new) return;
      const auto parents = placement.parents_of(by_id.at(id));
      if (by_id.at(id).role != Role::kRoot) {
        REQUIRE_FALSE(parents.empty());
        CHECK(by_id.at(parents.back()).role == Role::kRoot);
      }
      for (const auto& parent : parents) {
        CAPTURE(id);
        CAPTURE(parent);
        CHECK(by_id.at(parent).role <= by_id.at(id).role);
        walk(parent);
      }
      depth[id] = 1;
    };
    for (const auto& each : nodes) walk(each.id);
  }
}

TEST_CASE("placement: parents below the root tier contain their child, nearest tier first") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const auto nodes = random_fleet(random, 60);
    const auto placement = placement_of(nodes);
    std::map<NodeId, PlacedNode> by_id;
    for (const auto& each : nodes) by_id.emplace(each.id, each);
    for (const auto& child : nodes) {
      auto tier = child.role;
      for (const auto& id : placement.parents_of(child)) {
        const auto& parent = by_id.at(id);
        CHECK(parent.role <= tier);
        tier = parent.role;
        if (parent.role == child.role) {
          CHECK(parent.location.site() == child.location.site());
        } else if (parent.role != Role::kRoot) {
          CHECK(contains(parent.location, child.location));
        }
      }
    }
  }
}

std::map<NodeId, std::size_t> children_of(const Placement& placement, std::size_t children) {
  std::map<NodeId, std::size_t> counts;
  for (std::size_t i = 0; i < children; ++i)
    ++counts[placement.parents_of(node("pos-" + std::to_string(i))).front()];
  return counts;
}

TEST_CASE("placement: children spread evenly, or by weight") {
  constexpr std::size_t kChildren = 4'000;
  auto placement = placement_of({node("l3-0"), node("l3-1"), node("l3-2"), node("l3-3")});
  for (const auto& [parent, count] : children_of(placement, kChildren)) {
    CAPTURE(parent);
    CHECK(count > 850);
    CHECK(count < 1'150);
  }
  placement.put(node("l3-3", "", 5));  // five eighths of them
  const auto counts = children_of(placement, kChildren);
  CHECK(counts.at("l3-3") > 2'350);
  CHECK(counts.at("l3-3") < 2'650);
}

TEST_CASE("placement: a parent that leaves moves its own children and no others") {
  const std::vector<PlacedNode> parents{node("l3-0"), node("l3-1"), node("l3-2"), node("l3-3")};
  auto placement = placement_of(parents);
  std::map<NodeId, Ids> before;
  for (int i = 0; i < 500; ++i)
    before["pos-" + std::to_string(i)] = placement.parents_of(node("pos-" + std::to_string(i)));
  placement.remove("l3-2");
  for (const auto& [child, old_parents] : before) {
    auto expected = old_parents;
    std::erase(expected, "l3-2");
    CHECK(placement.parents_of(node(child)) == expected);
  }
  placement.put(parents[2]);
  for (const auto& [child, old_parents] : before)
    CHECK(placement.parents_of(node(child)) == old_parents);
}

TEST_CASE("placement: lists are short") {
  Placement placement;
  for (int i = 0; i < 50; ++i) {
    placement.put(root("root-" + std::to_string(i)));
    placement.put(node("l2-" + std::to_string(i)));
    placement.put(node("till-" + std::to_string(i), "eu/berlin/s1"));
  }
  const Placement::Limits limits;
  const auto parents = placement.parents_of(node("zz", "eu/berlin/s1"));
  CHECK(parents.size() ==
        limits.sibling_parents_max + limits.tier_parents_max + limits.root_parents_max);
  CHECK(placement.roots().size() == 50);
}

TEST_CASE("placement: a node that changes its place leaves the old one") {
  auto placement = placement_of({root("root-0"), node("l2-0", "eu")});
  placement.put(node("l2-0", "us"));
  CHECK(placement.parents_of(node("x", "eu/berlin")) == Ids{"root-0"});
  CHECK(placement.parents_of(node("x", "us/nyc")) == Ids{"l2-0", "root-0"});
}

TEST_CASE("rendezvous: scores never change") {  // golden: another score re-parents whole fleets
  CHECK(rendezvous_score("pos-0", "l3-0", 1) == doctest::Approx(2.536640082579).epsilon(1e-9));
  CHECK(rendezvous_score("pos-0", "l3-1", 2) == doctest::Approx(6.478100332756).epsilon(1e-9));
}

}  // namespace
}  // namespace xylem::registry
