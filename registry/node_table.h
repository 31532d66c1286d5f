// The fleet as last heard of: one entry a node, and who has fallen silent.
//
// Limits: kNodesMax nodes. Threads: one.
#pragma once

#include "common/ids.h"
#include "registry/node_report.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace xylem::registry {

enum class Presence : std::uint8_t {
  kPresent,  // its heartbeats arrive
  kMissing,  // three were missed: shown as stale, still given to children as a parent
  kGone,     // silent for longer, or stopped: given to nobody
};

struct NodeEntry {
  NodeId id;
  Role role = Role::kLocal;
  NodeReport report;
  Presence presence = Presence::kPresent;
  bool restored = false;          // from the store, not heard of since this process started
  std::int64_t last_seen_ms = 0;  // monotonic; a restored entry: when it was restored

  [[nodiscard]] bool is_stale() const noexcept {
    return restored || presence != Presence::kPresent;
  }

  [[nodiscard]] Health shown_health() const noexcept {
    return is_stale() ? Health::kUnhealthy : report.health;
  }
};

class NodeTable {
 public:
  static constexpr std::size_t kNodesMax = 20'000;

  // nullptr when it is not there. Pointers hold until that node is erased.
  [[nodiscard]] NodeEntry* find(const NodeId& id);
  [[nodiscard]] const NodeEntry* find(const NodeId& id) const;

  // kQuotaExceeded when the table is full.
  Result<NodeEntry*> add(NodeEntry entry);  // the id is not there yet
  void erase(const NodeId& id);

  [[nodiscard]] const std::map<NodeId, NodeEntry>& entries() const noexcept { return entries_; }

  struct Lapsed {
    std::vector<NodeId> missing;
    std::vector<NodeId> gone;
  };

  // Moves silent nodes on to kMissing and kGone; the answer names those that were moved.
  Lapsed lapse(std::int64_t now_ms, std::int64_t missing_after_ms, std::int64_t gone_after_ms);

 private:
  std::map<NodeId, NodeEntry> entries_;
};

}  // namespace xylem::registry
