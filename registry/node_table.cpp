#include "registry/node_table.h"

#include "common/check.h"

#include <utility>

namespace xylem::registry {

NodeEntry* NodeTable::find(const NodeId& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const NodeEntry* NodeTable::find(const NodeId& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<NodeEntry*> NodeTable::add(NodeEntry entry) {
  if (entries_.size() >= kNodesMax)
    return fail(Errc::kQuotaExceeded,
                "the registry holds " + std::to_string(kNodesMax) + " nodes already",
                "forget nodes that are gone: DELETE /api/v1/nodes/{id}");
  const auto [added, is_new] = entries_.emplace(entry.id, NodeEntry());
  XYLEM_CHECK(is_new);
  added->second = std::move(entry);
  return &added->second;
}

void NodeTable::erase(const NodeId& id) { entries_.erase(id); }

NodeTable::Lapsed NodeTable::lapse(std::int64_t now_ms,
                                   std::int64_t missing_after_ms,
                                   std::int64_t gone_after_ms) {
  Lapsed lapsed;
  for (auto& [id, entry] : entries_) {
    const auto silent_ms = now_ms - entry.last_seen_ms;
    if (entry.presence == Presence::kPresent && silent_ms >= missing_after_ms) {
      entry.presence = Presence::kMissing;
      lapsed.missing.push_back(id);
    }
    if (entry.presence == Presence::kMissing && silent_ms >= gone_after_ms) {
      entry.presence = Presence::kGone;
      lapsed.gone.push_back(id);
    }
  }
  return lapsed;
}

}  // namespace xylem::registry
