// The registry's own rules: who is in the fleet, in which role, following whom, at which version.
//
// The topology version grows only when some node's assignment may have changed. It is past every
// version that a node reports, so a registry restored from an old backup is not refused by them.
// After a restart the nodes that were there are taken to be there still, until they have had time
// to be missed: nobody is re-parented because the registry was away.
//
// Errors: kDuplicateNode, kNotFound, kUnauthorized (a wish, without `insecure`), kInvalidRequest,
// kQuotaExceeded.
// Threads: the loop's.
#pragma once

#include "common/clock.h"
#include "common/ids.h"
#include "common/result.h"
#include "registry/node_store.h"
#include "registry/node_table.h"
#include "registry/placement.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace xylem::registry {

// Called at the end of the call that changed something.
class RegistryObserver {
 public:
  virtual ~RegistryObserver() = default;

  virtual void on_node(const NodeId& id) { static_cast<void>(id); }  // said something

  virtual void on_gone(const NodeId& id) { static_cast<void>(id); }  // fell silent, or stopped

  virtual void on_topology() {}  // the version grew
};

// Views: they hold until the service is called again.
struct Assignment {
  const NodeEntry* node = nullptr;
  std::vector<const NodeEntry*> parents;  // best first
  std::vector<const NodeEntry*> roots;
};

class RegistryService {
 public:
  static constexpr std::int64_t kMissingAfterHeartbeats = 3;
  static constexpr std::int64_t kGoneAfterHeartbeats = 5;  // 10 s at the default pace

  struct Options {
    std::int64_t heartbeat_ms = 2'000;
    bool insecure = false;  // wishes for a role or a location count
  };

  RegistryService(const Options& options, const Clock& clock, const RegistryState& restored);

  void observe(RegistryObserver& observer) { observers_.push_back(&observer); }

  // Registers the node, or takes its heartbeat.
  Status report(const NodeId& id, NodeReport report);

  // A clean stop: gone at once, but still shown.
  Status leave(const NodeId& id, std::string_view instance);

  // No longer shown. A node that is alive comes back with its next heartbeat.
  Status forget(const NodeId& id);

  // Finds the nodes that fell silent. To be called several times a heartbeat.
  void lapse();

  [[nodiscard]] Result<Assignment> assignment_of(const NodeId& id) const;
  [[nodiscard]] const std::vector<NodeId>& parents_of(const NodeEntry& node) const;

  [[nodiscard]] const NodeTable& nodes() const noexcept { return table_; }

  [[nodiscard]] std::int64_t topology_version() const noexcept { return version_; }

  [[nodiscard]] const ClusterId& cluster() const noexcept { return cluster_; }

  [[nodiscard]] const Options& options() const noexcept { return options_; }

  [[nodiscard]] std::int64_t silent_ms(const NodeEntry& node) const noexcept {
    return clock_.monotonic_ms() - node.last_seen_ms;
  }

  // What the store does not have yet; none: nothing to write.
  [[nodiscard]] bool has_changes() const noexcept;
  RegistryChanges take_changes();
  void give_back(const RegistryChanges& unwritten);  // the write failed: try again later

 private:
  [[nodiscard]] Status check_report(const NodeId& id, const NodeReport& report) const;
  void adopt_cluster(Role role, const ClusterId& cluster);
  void catch_up_with(std::int64_t reported_version);
  void place(const NodeEntry& node);
  void retire(NodeEntry& node);
  void bump();
  void announce_topology();

  Options options_;
  const Clock& clock_;
  NodeTable table_;
  Placement placement_;
  mutable std::map<NodeId, std::vector<NodeId>> parents_;  // as far as asked for at this version
  ClusterId cluster_;
  std::int64_t version_ = 1;
  bool topology_changed_ = false;  // not announced yet
  std::vector<RegistryObserver*> observers_;

  std::set<NodeId> unsaved_;
  std::set<NodeId> unforgotten_;
  bool version_unsaved_ = false;
};

}  // namespace xylem::registry
