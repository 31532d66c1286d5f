#include "registry/documents.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cstdint>

namespace xylem::registry {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text(const ClusterId& cluster) { return cluster.is_nil() ? "" : cluster.text(); }

std::string fnv_1a(std::string_view bytes) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), hash, 16);
  return {digits.data(), end.ptr};
}

Json neighbour(const NodeEntry& node) {
  return {{"nodeId", node.id},
          {"role", to_string(node.role)},
          {"location", node.report.location.text()},
          {"pipe", node.report.addresses.pipe},
          {"tcp", node.report.addresses.tcp},
          {"http", node.report.addresses.http}};
}

Json topic(const TopicReport& topic) {
  return {{"name", topic.name},
          {"topicId", topic.incarnation.topic.text()},
          {"generation", topic.incarnation.generation},
          {"partition", topic.partition.value()},
          {"start", topic.start.value()},
          {"end", topic.end.value()},
          {"highWatermark", topic.high_watermark.value()},
          {"ageMs", topic.age_ms}};
}

// What was reported, and for a silent node also the time since: it cannot be fresher than that.
std::int64_t shown_age_ms(const NodeEntry& node, std::int64_t silent_ms) noexcept {
  if (node.report.age_ms == kUnknownAge || node.restored) return kUnknownAge;
  if (!node.is_stale() || node.report.age_ms > INT64_MAX - silent_ms) return node.report.age_ms;
  return node.report.age_ms + silent_ms;
}

Json tree_node(const RegistryService& service, const NodeEntry& node) {
  const auto silent_ms = service.silent_ms(node);
  Json json{{"nodeId", node.id},
            {"role", to_string(node.role)},
            {"location", node.report.location.text()},
            {"parents", service.parents_of(node)},
            {"parent", node.report.parent},
            {"health", to_string(node.shown_health())},
            {"stale", node.is_stale()},
            {"lastSeenMs", silent_ms},
            {"ageMs", shown_age_ms(node, silent_ms)},
            {"addresses",
             {{"tcp", node.report.addresses.tcp},
              {"http", node.report.addresses.http},
              {"pipe", node.report.addresses.pipe}}},
            {"topics", Json::array()},
            {"version", node.report.version},
            {"uptimeMs", node.report.uptime_ms},
            {"memoryBytes", node.report.memory_bytes},
            {"topologyVersion", node.report.topology_version},
            {"lastError", node.report.last_error}};
  for (const auto& each : node.report.topics) json["topics"].push_back(topic(each));
  return json;
}

}  // namespace

TopologyDocument topology_document(const RegistryService& service,
                                   const Assignment& assignment,
                                   std::span<const RefreshOrder> orders) {
  Json json{{"nodeId", assignment.node->id},
            {"role", to_string(assignment.node->role)},
            {"requestToFollow", Json::array()},
            {"parents", Json::array()},
            {"roots", Json::array()},
            {"topics", {"*"}},
            {"heartbeatMs", service.options().heartbeat_ms},
            {"clusterId", text(service.cluster())}};
  for (const auto* parent : assignment.parents) {
    json["requestToFollow"].push_back(parent->report.addresses.pipe);
    json["parents"].push_back(neighbour(*parent));
  }
  for (const auto* root : assignment.roots) json["roots"].push_back(neighbour(*root));
  TopologyDocument document;
  document.content = fnv_1a(text(json));
  const auto version = service.topology_version();
  document.etag = '"' + std::to_string(version) + '-' + document.content + '"';
  json["topologyVersion"] = version;
  for (const auto& order : orders)
    json["refreshes"].push_back({{"id", refresh_id_text(order.id)},
                                 {"topic", order.topic},
                                 {"reason", order.reason},
                                 {"stop", order.stop}});
  document.json = text(json);
  return document;
}

std::string_view content_of_etag(std::string_view etag) noexcept {
  const auto dash = etag.find('-');
  if (dash == std::string_view::npos || !etag.starts_with('"') || !etag.ends_with('"')) return {};
  return etag.substr(dash + 1, etag.size() - dash - 2);
}

std::string node_document(const RegistryService& service, const NodeEntry& node) {
  return text(tree_node(service, node));
}

std::string tree_document(const RegistryService& service) {
  Json json{{"topologyVersion", service.topology_version()},
            {"clusterId", text(service.cluster())},
            {"heartbeatMs", service.options().heartbeat_ms},
            {"nodes", Json::array()}};
  for (const auto& [id, node] : service.nodes().entries())
    json["nodes"].push_back(tree_node(service, node));
  return text(json);
}

}  // namespace xylem::registry
