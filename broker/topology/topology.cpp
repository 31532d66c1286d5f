#include "broker/topology/topology.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 5> kRoleNames = {"ROOT", "L2", "L3", "POS", "LOCAL"};
constexpr std::uint64_t kHeartbeatMinMs = 100;
constexpr std::uint64_t kHeartbeatMaxMs = 60'000;

std::unexpected<Error> wrong(std::string_view field) {
  return fail(Errc::kInvalidRequest,
              "topology field \"" + std::string(field) + "\" is missing or wrong");
}

std::string text(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number(const Json& object, const char* field, std::uint64_t fallback) {
  const auto found = object.find(field);
  const bool good = found != object.end() && found->is_number_unsigned();
  return good ? found->get<std::uint64_t>() : fallback;
}

Result<std::vector<Peer>> peers(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_array() || found->size() > kParentsMax)
    return wrong(field);
  std::vector<Peer> peers;
  for (const auto& item : *found) {
    if (!item.is_object()) return wrong(field);
    Peer peer{.node = text(item, "nodeId"),
              .role = text(item, "role"),
              .location = text(item, "location"),
              .pipe = text(item, "pipe"),
              .tcp = text(item, "tcp"),
              .http = text(item, "http")};
    if (!check_node_id(peer.node)) return wrong(field);
    peers.push_back(std::move(peer));
  }
  return peers;
}

Json to_array(const std::vector<Peer>& peers) {
  auto array = Json::array();
  for (const auto& peer : peers) {
    array.push_back({{"nodeId", peer.node},
                     {"role", peer.role},
                     {"location", peer.location},
                     {"pipe", peer.pipe},
                     {"tcp", peer.tcp},
                     {"http", peer.http}});
  }
  return array;
}

Result<std::vector<std::string>> topic_patterns(const Json& object) {
  const auto found = object.find("topics");
  if (found == object.end() || !found->is_array()) return wrong("topics");
  std::vector<std::string> topics;
  for (const auto& item : *found) {
    if (!item.is_string()) return wrong("topics");
    topics.push_back(item.get<std::string>());
  }
  return topics;
}

}  // namespace

Result<Role> role_of(std::string_view name) {
  const auto* const found = std::ranges::find(kRoleNames, name);
  if (found == kRoleNames.end())
    return fail(Errc::kInvalidRequest,
                "role \"" + std::string(name) + "\" is none of ROOT, L2, L3, POS, LOCAL");
  return static_cast<Role>(found - kRoleNames.begin());
}

std::string_view to_string(Role role) noexcept {
  return kRoleNames.at(static_cast<std::size_t>(role));
}

bool Topology::carries(std::string_view topic) const {
  return std::ranges::any_of(topics, [topic](std::string_view pattern) {
    if (pattern.ends_with('*')) return topic.starts_with(pattern.substr(0, pattern.size() - 1));
    return topic == pattern;
  });
}

Result<Topology> topology_from_json(std::string_view json) {
  const auto object = Json::parse(json, nullptr, false);
  if (!object.is_object()) return fail(Errc::kInvalidRequest, "a topology is a JSON object");
  Topology topology;
  topology.node = text(object, "nodeId");
  if (!check_node_id(topology.node)) return wrong("nodeId");
  auto role = role_of(text(object, "role"));
  if (!role) return pass(role);
  topology.role = *role;
  topology.version = number(object, "topologyVersion", 0);
  topology.heartbeat_ms = std::clamp(number(object, "heartbeatMs", topology.heartbeat_ms),
                                     kHeartbeatMinMs, kHeartbeatMaxMs);
  if (const auto cluster = text(object, "clusterId"); !cluster.empty()) {
    auto id = ClusterId::parse(cluster);
    if (!id) return pass(id, "topology field \"clusterId\"");
    topology.cluster = *id;
  }
  auto parents = peers(object, "parents");
  if (!parents) return pass(parents);
  auto roots = peers(object, "roots");
  if (!roots) return pass(roots);
  auto topics = topic_patterns(object);
  if (!topics) return pass(topics);
  topology.parents = std::move(*parents);
  topology.roots = std::move(*roots);
  topology.topics = std::move(*topics);
  return topology;
}

std::string to_json(const Topology& topology) {
  return Json{{"nodeId", topology.node},
              {"role", to_string(topology.role)},
              {"topologyVersion", topology.version},
              {"clusterId", topology.cluster.is_nil() ? "" : topology.cluster.text()},
              {"parents", to_array(topology.parents)},
              {"roots", to_array(topology.roots)},
              {"topics", topology.topics},
              {"heartbeatMs", topology.heartbeat_ms}}
      .dump();
}

}  // namespace xylem::broker
