// What the registry told this node: its role, its parents in order, the roots. Its JSON is the
// answer of GET /registry/topology and of PUT /api/v1/nodes/{id}, and the cache on disk.
//
// Errors: kInvalidRequest names the field that is missing or wrong.
#pragma once

#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kParentsMax = 1'000;

enum class Role : std::uint8_t { kRoot, kL2, kL3, kPos, kLocal };

Result<Role> role_of(std::string_view name);  // ROOT|L2|L3|POS|LOCAL
[[nodiscard]] std::string_view to_string(Role role) noexcept;

struct Peer {
  NodeId node;
  std::string role;
  std::string location;
  std::string pipe;  // http://host:port
  std::string tcp;   // host:port
  std::string http;  // host:port

  bool operator==(const Peer&) const = default;
};

struct Topology {
  NodeId node;
  Role role = Role::kLocal;
  std::uint64_t version = 0;
  ClusterId cluster;  // nil: the registry has not seen a root yet
  std::vector<Peer> parents;
  std::vector<Peer> roots;
  std::vector<std::string> topics;  // names or `prefix*`
  std::uint64_t heartbeat_ms = 2'000;

  bool operator==(const Topology&) const = default;

  [[nodiscard]] bool carries(std::string_view topic) const;
};

Result<Topology> topology_from_json(std::string_view json);
std::string to_json(const Topology& topology);

}  // namespace xylem::broker
