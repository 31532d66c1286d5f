// The tiers of the tree, from the root down, and which of them a node belongs to.
#pragma once

#include "registry/location.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xylem::registry {

enum class Role : std::uint8_t { kRoot, kL2, kL3, kPos, kLocal };  // a parent's is never greater

inline constexpr std::size_t kRoleCount = 5;

// "ROOT", "L2", "L3", "POS", "LOCAL".
[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::optional<Role> role_of_name(std::string_view name) noexcept;

// The wish; else by the depth of the location (1 = L2, 2 = L3, more = POS); else by the prefix of
// the id (root-, l2-, l3-, pos-); else LOCAL.
[[nodiscard]] Role role_of(std::optional<Role> wish,
                           const Location& location,
                           std::string_view node_id) noexcept;

}  // namespace xylem::registry
