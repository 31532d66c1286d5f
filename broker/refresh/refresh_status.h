// How one refresh stands, for people and programs that ask.
//
//   {"id":"<16 hex>","topic":"prices","state":"RESET_SENT|REPLAYING|READY_SENT|COMPLETED|ABORTED",
//    "reason":"...","startedBy":"...","startedAt":ms,"endedAt":ms or null,
//    "consumers":{"total":n,"reset":n,"ready":n},"owed":n,"barrier":[offsets],
//    "replayed":[lowest acknowledged offset of its consumers, per partition],"failure":""}
//
// `total`: consumers that have a part in it, but those who went away unfinished; `reset`: of those,
// who has answered RESET; `ready`: who has answered READY. `owed`: consumers that went away before
// they had it, and get it when they come back. `barrier` and `replayed` are empty while they are
// not known.
#pragma once

#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

enum class RefreshState : std::uint8_t { kResetSent, kReplaying, kReadySent, kCompleted, kAborted };

// "RESET_SENT".
[[nodiscard]] std::string_view to_string(RefreshState state) noexcept;
[[nodiscard]] std::optional<RefreshState> refresh_state_of(std::string_view text) noexcept;

[[nodiscard]] constexpr bool is_over(RefreshState state) noexcept {
  return state == RefreshState::kCompleted || state == RefreshState::kAborted;
}

struct RefreshStatus {
  std::uint64_t id = 0;
  std::string topic;
  RefreshState state = RefreshState::kResetSent;
  std::string reason;
  std::string started_by;
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;
  std::size_t consumers = 0;
  std::size_t consumers_reset = 0;
  std::size_t consumers_ready = 0;
  std::size_t owed = 0;
  std::vector<Offset> barrier;
  std::vector<Offset> replayed;
  std::string failure;  // of an aborted one

  bool operator==(const RefreshStatus&) const = default;
};

// One line.
[[nodiscard]] std::string to_json(const RefreshStatus& status);

// An id as people see it: 16 lower-case hexadecimal digits.
[[nodiscard]] std::string refresh_id_text(std::uint64_t id);

// kInvalidRequest: no such text, or 0, which is no refresh.
Result<std::uint64_t> refresh_id_of(std::string_view text);

}  // namespace xylem::broker
