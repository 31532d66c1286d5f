// A refresh of many nodes, as it is stored: what was asked for, how far it is, and its nodes.
#pragma once

#include "common/ids.h"
#include "registry/refresh/refresh_progress.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::registry {

struct RefreshScope {
  enum class Kind : std::uint8_t { kNode, kSubtree, kFleet };

  Kind kind = Kind::kFleet;
  NodeId node;  // of kNode and kSubtree

  bool operator==(const RefreshScope&) const = default;
};

// "node", "subtree", "fleet"
[[nodiscard]] std::string_view to_string(RefreshScope::Kind kind) noexcept;
[[nodiscard]] std::optional<RefreshScope::Kind> scope_kind_of(std::string_view name) noexcept;

enum class JobState : std::uint8_t {
  kRunning,
  kStopping,   // somebody said so: no node begins, those that run are told to stop
  kFailing,    // the same, since more nodes failed than was allowed
  kCompleted,  // every node completed
  kPartial,    // it went to its end, but some nodes failed or were away
  kStopped,
  kFailed,
};

[[nodiscard]] std::string_view to_string(JobState state) noexcept;  // "RUNNING", ...
[[nodiscard]] std::optional<JobState> job_state_of(std::string_view name) noexcept;
[[nodiscard]] bool has_ended(JobState state) noexcept;

enum class JobNodeState : std::uint8_t {
  kWaiting,  // for its wave
  kOrdered,  // its order is in the answers to its heartbeats; it has not said anything yet
  kRunning,
  kCompleted,
  kAborted,   // it failed, or was stopped: old copies serve
  kAway,      // not heard of: skipped, and tried again at the end
  kNotBegun,  // the job was stopped first
};

inline constexpr std::size_t kJobNodeStateCount = 7;

[[nodiscard]] std::string_view to_string(JobNodeState state) noexcept;  // "WAITING", ...
[[nodiscard]] std::optional<JobNodeState> job_node_state_of(std::string_view name) noexcept;

struct RefreshRecord {
  RefreshId id;
  std::string topic;
  RefreshScope scope;
  std::int64_t wave_nodes = 0;
  std::int64_t failures_max = 0;
  std::string reason;
  std::string who;  // as the one who asked says; empty: not said
  JobState state = JobState::kRunning;
  std::string why;                 // it is stopping, or did not complete
  std::int64_t started_at_ms = 0;  // wall clock
  std::int64_t ended_at_ms = 0;    // 0: not yet
  bool is_last_round = false;      // nodes that were away are being tried again
};

struct JobNode {
  NodeId id;
  std::int32_t level = 0;  // all of a smaller one end first; see level_of
  std::int32_t wave = 0;   // from 1
  JobNodeState state = JobNodeState::kWaiting;
  RefreshProgress progress;  // as last reported
  std::string failure;

  // Not stored, monotonic.
  std::optional<std::int64_t> heard_at_ms;  // none: never
  std::int64_t ordered_at_ms = 0;
};

struct StoredRefresh {
  RefreshRecord record;
  std::vector<JobNode> nodes;  // of changes: those that changed
};

struct RefreshChanges {
  std::vector<StoredRefresh> saved;
  std::vector<RefreshId> forgotten;

  [[nodiscard]] bool empty() const noexcept { return saved.empty() && forgotten.empty(); }
};

}  // namespace xylem::registry
