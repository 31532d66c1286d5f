// How far one node is with one refresh, and what it is told to do: what travels between a node and
// the registry about refreshes (the fields `refreshes` of a report, and of its answer).
#pragma once

#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::registry {

// Random; written as 16 lower-case hexadecimal digits.
using RefreshId = Strong<struct RefreshIdTag, std::uint64_t>;

[[nodiscard]] std::string refresh_id_text(RefreshId id);

// kInvalidRequest: not 16 hexadecimal digits.
Result<RefreshId> refresh_id_of(std::string_view text);

enum class RefreshPhase : std::uint8_t { kResetSent, kReplaying, kReadySent, kCompleted, kAborted };

// "RESET_SENT", ...
[[nodiscard]] std::string_view to_string(RefreshPhase phase) noexcept;
[[nodiscard]] std::optional<RefreshPhase> refresh_phase_of(std::string_view name) noexcept;

struct RefreshProgress {
  RefreshId id;
  RefreshPhase phase = RefreshPhase::kResetSent;
  std::int64_t consumers = 0;
  std::int64_t consumers_reset = 0;  // have answered RESET
  std::int64_t consumers_ready = 0;  // have answered READY
  std::int64_t replayed = 0;         // offsets, of all partitions
  std::int64_t to_replay = 0;
  std::string failure;

  bool operator==(const RefreshProgress&) const = default;
};

inline constexpr std::size_t kReportRefreshesMax = 64;
inline constexpr std::size_t kRefreshFailureMax = 256;  // bytes kept of `failure`

// What a node shall run, or stop.
struct RefreshOrder {
  RefreshId id;
  std::string topic;
  std::string reason;  // as whoever started it says; empty: not said
  bool stop = false;

  bool operator==(const RefreshOrder&) const = default;
};

}  // namespace xylem::registry
