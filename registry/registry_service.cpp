#include "registry/registry_service.h"

#include <algorithm>
#include <utility>

namespace xylem::registry {
namespace {

PlacedNode placed(const NodeEntry& node) {
  return {.id = node.id, .role = node.role, .location = node.report.location};
}

NodeRecord record_of(const NodeEntry& node) {
  return {.id = node.id,
          .location = node.report.location,
          .role_wish = node.report.role_wish,
          .version = node.report.version,
          .addresses = node.report.addresses,
          .gone = node.presence == Presence::kGone};
}

NodeEntry restored_entry(const NodeRecord& record, std::int64_t now_ms) {
  NodeEntry node;
  node.id = record.id;
  node.report.location = record.location;
  node.report.role_wish = record.role_wish;
  node.report.version = record.version;
  node.report.addresses = record.addresses;
  node.role = role_of(record.role_wish, record.location, record.id);
  node.presence = record.gone ? Presence::kGone : Presence::kPresent;
  node.restored = true;
  node.last_seen_ms = now_ms;
  return node;
}

}  // namespace

RegistryService::RegistryService(const Options& options,
                                 const Clock& clock,
                                 const RegistryState& restored)
    : options_(options),
      clock_(clock),
      cluster_(restored.cluster),
      version_(restored.topology_version + 1) {
  for (const auto& record : restored.nodes) {
    auto added = table_.add(restored_entry(record, clock_.monotonic_ms()));
    if (added && !record.gone) place(**added);
  }
}

Status RegistryService::report(const NodeId& id, NodeReport report) {
  if (auto good = check_report(id, report); !good) return good;
  const Role role = role_of(report.role_wish, report.location, id);
  NodeEntry* node = table_.find(id);
  const bool is_known = node != nullptr;
  if (!is_known) {
    auto added = table_.add({.id = id});
    if (!added) return pass(added);
    node = *added;
  }
  const bool moved = !is_known || node->presence == Presence::kGone || node->role != role ||
                     node->report.location != report.location ||
                     node->report.addresses != report.addresses;
  if (moved || node->report.version != report.version) unsaved_.insert(id);
  unforgotten_.erase(id);
  adopt_cluster(role, report.cluster);
  catch_up_with(report.topology_version);
  node->role = role;
  node->report = std::move(report);
  node->presence = Presence::kPresent;
  node->restored = false;
  node->last_seen_ms = clock_.monotonic_ms();
  if (moved) {
    place(*node);
    bump();
  }
  for (auto* observer : observers_) observer->on_node(id);
  announce_topology();
  return {};
}

Status RegistryService::check_report(const NodeId& id, const NodeReport& report) const {
  if (auto good = check_node_id(id); !good) return good;
  if (!options_.insecure && (report.role_wish || report.location.depth() > 0))
    return fail(Errc::kUnauthorized, "a wish for a role or a location needs a token that allows it",
                "start the registry with --insecure to let every node choose");
  if (!cluster_.is_nil() && !report.cluster.is_nil() && report.cluster != cluster_)
    return fail(Errc::kInvalidRequest,
                "node " + id + " belongs to cluster " + report.cluster.text() +
                    ", this registry serves " + cluster_.text(),
                "clusters never merge: give the node an empty data directory");
  const NodeEntry* node = table_.find(id);
  if (node != nullptr && !node->is_stale() && node->report.instance != report.instance &&
      silent_ms(*node) < kMissingAfterHeartbeats * options_.heartbeat_ms)
    return fail(Errc::kDuplicateNode,
                "node id " + id + " is in use by the process at " + node->report.addresses.tcp +
                    ", last heard of " + std::to_string(silent_ms(*node)) + " ms ago",
                "give one of them another NODE_ID, or try again once it is gone");
  return {};
}

Status RegistryService::leave(const NodeId& id, std::string_view instance) {
  NodeEntry* node = table_.find(id);
  if (node == nullptr) return fail(Errc::kNotFound, "no node " + id);
  if (!node->restored && node->report.instance != instance)
    return fail(Errc::kDuplicateNode, "node " + id + " is another process now");
  if (node->presence == Presence::kGone) return {};
  retire(*node);
  for (auto* observer : observers_) observer->on_gone(id);
  announce_topology();
  return {};
}

Status RegistryService::forget(const NodeId& id) {
  NodeEntry* node = table_.find(id);
  if (node == nullptr) return fail(Errc::kNotFound, "no node " + id);
  placement_.remove(id);
  table_.erase(id);
  unsaved_.erase(id);
  unforgotten_.insert(id);
  bump();
  announce_topology();
  return {};
}

void RegistryService::lapse() {
  const auto lapsed =
      table_.lapse(clock_.monotonic_ms(), kMissingAfterHeartbeats * options_.heartbeat_ms,
                   kGoneAfterHeartbeats * options_.heartbeat_ms);
  for (const auto& id : lapsed.gone) retire(*table_.find(id));
  for (const auto& id : lapsed.missing)
    for (auto* observer : observers_) observer->on_gone(id);
  announce_topology();
}

Result<Assignment> RegistryService::assignment_of(const NodeId& id) const {
  Assignment assignment{.node = table_.find(id)};
  if (assignment.node == nullptr)
    return fail(Errc::kNotFound, "no node " + id + " is registered",
                "register first: PUT /api/v1/nodes/" + id);
  for (const auto& parent : parents_of(*assignment.node))
    assignment.parents.push_back(table_.find(parent));
  for (const auto& root : placement_.roots()) assignment.roots.push_back(table_.find(root));
  return assignment;
}

const std::vector<NodeId>& RegistryService::parents_of(const NodeEntry& node) const {
  const auto [known, is_new] = parents_.try_emplace(node.id);
  if (is_new) known->second = placement_.parents_of(placed(node));
  return known->second;
}

bool RegistryService::has_changes() const noexcept {
  return version_unsaved_ || !unsaved_.empty() || !unforgotten_.empty();
}

RegistryChanges RegistryService::take_changes() {
  RegistryChanges changes{.topology_version = version_, .cluster = cluster_};
  for (const auto& id : unsaved_)
    if (const NodeEntry* node = table_.find(id)) changes.saved.push_back(record_of(*node));
  changes.forgotten.assign(unforgotten_.begin(), unforgotten_.end());
  unsaved_.clear();
  unforgotten_.clear();
  version_unsaved_ = false;
  return changes;
}

void RegistryService::give_back(const RegistryChanges& unwritten) {
  for (const auto& node : unwritten.saved)
    if (table_.find(node.id) != nullptr) unsaved_.insert(node.id);
  for (const auto& id : unwritten.forgotten)
    if (table_.find(id) == nullptr) unforgotten_.insert(id);
  version_unsaved_ = true;
}

void RegistryService::adopt_cluster(Role role, const ClusterId& cluster) {
  if (role != Role::kRoot || cluster.is_nil() || !cluster_.is_nil()) return;
  cluster_ = cluster;
  bump();
}

void RegistryService::catch_up_with(std::int64_t reported_version) {
  if (reported_version <= version_) return;
  version_ = reported_version;
  bump();
}

// A node without a pipe address can be nobody's parent.
void RegistryService::place(const NodeEntry& node) {
  if (node.report.addresses.pipe.empty()) return placement_.remove(node.id);
  placement_.put(placed(node));
}

void RegistryService::retire(NodeEntry& node) {
  node.presence = Presence::kGone;
  placement_.remove(node.id);
  unsaved_.insert(node.id);
  bump();
}

void RegistryService::bump() {
  ++version_;
  version_unsaved_ = true;
  topology_changed_ = true;
  parents_.clear();
}

void RegistryService::announce_topology() {
  if (!std::exchange(topology_changed_, false)) return;
  for (auto* observer : observers_) observer->on_topology();
}

}  // namespace xylem::registry
