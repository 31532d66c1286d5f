#include "registry/role.h"

#include <array>
#include <utility>

namespace xylem::registry {
namespace {

constexpr std::array<std::string_view, kRoleCount> kNames{"ROOT", "L2", "L3", "POS", "LOCAL"};

constexpr std::array<std::pair<std::string_view, Role>, 4> kPrefixes{{
    {"root-", Role::kRoot},
    {"l2-", Role::kL2},
    {"l3-", Role::kL3},
    {"pos-", Role::kPos},
}};

}  // namespace

std::string_view to_string(Role role) noexcept { return kNames.at(static_cast<std::size_t>(role)); }

std::optional<Role> role_of_name(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames.at(i) == name) return static_cast<Role>(i);
  return std::nullopt;
}

Role role_of(std::optional<Role> wish,
             const Location& location,
             std::string_view node_id) noexcept {
  if (wish) return *wish;
  if (location.depth() == 1) return Role::kL2;
  if (location.depth() == 2) return Role::kL3;
  if (location.depth() > 2) return Role::kPos;
  for (const auto& [prefix, role] : kPrefixes)
    if (node_id.starts_with(prefix)) return role;
  return Role::kLocal;
}

}  // namespace xylem::registry
