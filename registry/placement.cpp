#include "registry/placement.h"

#include "common/check.h"
#include "registry/rendezvous.h"

#include <algorithm>

namespace xylem::registry {
namespace {

std::size_t tier_of(Role role) noexcept { return static_cast<std::size_t>(role); }

constexpr std::size_t kRootTier = 0;

}  // namespace

void Placement::put(const PlacedNode& node) {
  XYLEM_CHECK(node.weight > 0);
  remove(node.id);
  const auto tier = tier_of(node.role);
  nodes_.emplace(node.id, node);
  tiers_.at(tier)[node.location.text()].emplace(node.id, node.weight);
  if (const auto site = node.location.site(); !site.empty())
    sites_.at(tier)[std::string(site)].emplace(node.location.depth(), node.id);
}

void Placement::remove(const NodeId& id) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  const PlacedNode& node = found->second;
  auto& tier = tiers_.at(tier_of(node.role));
  const auto here = tier.find(node.location.text());
  XYLEM_CHECK(here != tier.end() && here->second.erase(id) == 1);
  if (here->second.empty()) tier.erase(here);
  if (const auto site = node.location.site(); !site.empty()) {
    auto& sites = sites_.at(tier_of(node.role));
    const auto siblings = sites.find(site);
    XYLEM_CHECK(siblings != sites.end());
    XYLEM_CHECK(siblings->second.erase({node.location.depth(), id}) == 1);
    if (siblings->second.empty()) sites.erase(siblings);
  }
  nodes_.erase(found);
}

std::vector<NodeId> Placement::parents_of(const PlacedNode& child) const {
  std::vector<NodeId> parents;
  add_siblings(child, parents);
  for (std::size_t tier = tier_of(child.role); tier-- > 0;) add_tier(tier, child, parents);
  return parents;
}

std::vector<NodeId> Placement::roots() const {
  std::vector<NodeId> ids;
  for (const auto& [location, nodes] : tiers_.at(kRootTier))
    for (const auto& [id, weight] : nodes) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

void Placement::add_siblings(const PlacedNode& child, std::vector<NodeId>& parents) const {
  const auto site = child.location.site();
  const auto tier = tier_of(child.role);
  if (site.empty() || tier == kRootTier) return;
  for (std::size_t above = 0; above < tier; ++above)
    if (sites_.at(above).contains(site)) return;  // the site has a node to pull from already
  const auto siblings = sites_.at(tier).find(site);
  if (siblings == sites_.at(tier).end()) return;
  const SiteRank own{child.location.depth(), child.id};
  for (const auto& rank : siblings->second) {
    if (rank >= own || parents.size() == limits_.sibling_parents_max) return;
    parents.push_back(rank.second);
  }
}

void Placement::add_tier(std::size_t tier,
                         const PlacedNode& child,
                         std::vector<NodeId>& parents) const {
  using Ranked = std::pair<double, std::string_view>;  // minus the score: ascending is best first
  std::vector<Ranked> ranked;
  const auto rank = [&](const std::map<NodeId, double>& nodes) {
    for (const auto& [id, weight] : nodes)
      ranked.emplace_back(-rendezvous_score(child.id, id, weight), id);
  };
  if (tier == kRootTier) {
    for (const auto& [location, nodes] : tiers_.at(tier)) rank(nodes);
  } else {
    for (const auto location : child.location.containing())
      if (const auto here = tiers_.at(tier).find(location); here != tiers_.at(tier).end())
        rank(here->second);
  }
  const auto most = tier == kRootTier ? limits_.root_parents_max : limits_.tier_parents_max;
  const auto count = std::min(ranked.size(), most);
  std::ranges::partial_sort(ranked, ranked.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i) parents.emplace_back(ranked.at(i).second);
}

}  // namespace xylem::registry
