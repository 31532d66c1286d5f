#include "registry/refresh/refresh_record.h"

#include <array>

namespace xylem::registry {
namespace {

constexpr std::array<std::string_view, 3> kScopeNames{"node", "subtree", "fleet"};
constexpr std::array<std::string_view, 7> kJobNames{"RUNNING", "STOPPING", "FAILING", "COMPLETED",
                                                    "PARTIAL", "STOPPED",  "FAILED"};
constexpr std::array<std::string_view, kJobNodeStateCount> kNodeNames{
    "WAITING", "ORDERED", "RUNNING", "COMPLETED", "ABORTED", "AWAY", "NOT_BEGUN"};

template <class Value, std::size_t kCount>
std::optional<Value> value_of(const std::array<std::string_view, kCount>& names,
                              std::string_view name) noexcept {
  for (std::size_t i = 0; i < kCount; ++i)
    if (names.at(i) == name) return static_cast<Value>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(RefreshScope::Kind kind) noexcept {
  return kScopeNames.at(static_cast<std::size_t>(kind));
}

std::optional<RefreshScope::Kind> scope_kind_of(std::string_view name) noexcept {
  return value_of<RefreshScope::Kind>(kScopeNames, name);
}

std::string_view to_string(JobState state) noexcept {
  return kJobNames.at(static_cast<std::size_t>(state));
}

std::optional<JobState> job_state_of(std::string_view name) noexcept {
  return value_of<JobState>(kJobNames, name);
}

bool has_ended(JobState state) noexcept {
  return state != JobState::kRunning && state != JobState::kStopping && state != JobState::kFailing;
}

std::string_view to_string(JobNodeState state) noexcept {
  return kNodeNames.at(static_cast<std::size_t>(state));
}

std::optional<JobNodeState> job_node_state_of(std::string_view name) noexcept {
  return value_of<JobNodeState>(kNodeNames, name);
}

}  // namespace xylem::registry
