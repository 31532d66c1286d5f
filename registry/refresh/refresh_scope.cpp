#include "registry/refresh/refresh_scope.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace xylem::registry {
namespace {

constexpr std::int32_t kLevelsPerTier = 2;

bool carries(const NodeEntry& node, std::string_view topic) {
  return node.restored || std::ranges::any_of(node.report.topics, [topic](const auto& partition) {
           return partition.name == topic;
         });
}

// nullptr: none that is known.
const NodeEntry* parent_of(const NodeEntry& node, const RegistryService& service) {
  const auto& table = service.nodes();
  if (const auto* actual = table.find(node.report.parent); actual != nullptr) return actual;
  const auto& parents = service.parents_of(node);
  return parents.empty() ? nullptr : table.find(parents.front());
}

class Subtree {
 public:
  Subtree(const NodeId& top, const RegistryService& service) : service_(service) {
    known_.emplace(top, true);
  }

  bool contains(const NodeEntry& node, int depth = 0) {
    const auto [known, is_new] = known_.try_emplace(node.id, false);  // also where a circle ends
    if (!is_new) return known->second;
    const auto* parent = depth < kDepthMax ? parent_of(node, service_) : nullptr;
    const bool is_below = parent != nullptr && contains(*parent, depth + 1);
    return known_[node.id] = is_below;
  }

 private:
  static constexpr int kDepthMax = 64;  // tiers and siblings; deeper is a claim, not a tree

  const RegistryService& service_;
  std::map<NodeId, bool> known_;
};

JobNode job_node(const NodeEntry& node, const RegistryService& service, std::int64_t now_ms) {
  JobNode made{.id = node.id, .level = level_of(node, service), .progress = {}};
  if (node.presence != Presence::kGone) made.heard_at_ms = now_ms - service.silent_ms(node);
  return made;
}

}  // namespace

Result<std::vector<JobNode>> nodes_in(const RefreshScope& scope,
                                      std::string_view topic,
                                      const RegistryService& service,
                                      std::int64_t now_ms) {
  const bool is_fleet = scope.kind == RefreshScope::Kind::kFleet;
  if (!is_fleet && service.nodes().find(scope.node) == nullptr)
    return fail(Errc::kNotFound, "no node " + scope.node, "GET /api/v1/tree has them all");
  Subtree subtree(scope.node, service);
  std::vector<JobNode> nodes;
  for (const auto& [id, node] : service.nodes().entries()) {
    const bool is_named = scope.kind == RefreshScope::Kind::kNode && id == scope.node;
    const bool is_inside =
        is_fleet || (scope.kind == RefreshScope::Kind::kSubtree && subtree.contains(node));
    const bool is_meant = is_named || (is_inside && node.role != Role::kRoot);
    if (is_meant && carries(node, topic)) nodes.push_back(job_node(node, service, now_ms));
  }
  if (nodes.empty())
    return fail(Errc::kNotFound, "no node of this scope carries topic " + std::string(topic),
                "root brokers are left out, unless one is named: {\"node\":ID}");
  return nodes;
}

std::int32_t level_of(const NodeEntry& node, const RegistryService& service) {
  const auto& parents = service.parents_of(node);
  const auto* first = parents.empty() ? nullptr : service.nodes().find(parents.front());
  const bool follows_sibling = first != nullptr && first->role == node.role;
  return kLevelsPerTier * static_cast<std::int32_t>(node.role) + (follows_sibling ? 1 : 0);
}

Role tier_of_level(std::int32_t level) noexcept {
  return static_cast<Role>(std::clamp<std::int32_t>(level / kLevelsPerTier, 0, kRoleCount - 1));
}

}  // namespace xylem::registry
