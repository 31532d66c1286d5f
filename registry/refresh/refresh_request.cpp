#include "registry/refresh/refresh_request.h"

#include "registry/json_fields.h"
#include "registry/node_table.h"

#include <utility>

namespace xylem::registry {
namespace {

constexpr std::size_t kTextMax = 256;  // characters
constexpr auto kScopeHelp = R"(must be one of {"node":ID}, {"subtree":ID}, {"fleet":true})";

RefreshScope read_scope(JsonFields& request) {
  auto fields = request.object("scope");
  const auto node = fields.text("node", kNodeIdMax);
  const auto subtree = fields.text("subtree", kNodeIdMax);
  const bool fleet = fields.flag("fleet", false);
  const int given = (node.empty() ? 0 : 1) + (subtree.empty() ? 0 : 1) + (fleet ? 1 : 0);
  if (given != 1) return request.refuse("scope", kScopeHelp), RefreshScope();
  if (fleet) return {.kind = RefreshScope::Kind::kFleet, .node = {}};
  const bool is_one = !node.empty();
  RefreshScope scope{.kind = is_one ? RefreshScope::Kind::kNode : RefreshScope::Kind::kSubtree,
                     .node = is_one ? node : subtree};
  if (auto good = check_node_id(scope.node); !good)
    fields.refuse(is_one ? "node" : "subtree", good.error().what());
  return scope;
}

}  // namespace

Result<RefreshRequest> decode_refresh_request(Bytes json) {
  auto document = JsonDocument::parse(json);
  if (!document) return pass(document, "refresh");
  auto fields = document->fields();
  RefreshRequest request;
  request.topic = fields.text("topic", kTopicNameMax);
  if (auto good = check_topic_name(request.topic); !good)
    fields.refuse("topic", good.error().what());
  request.scope = read_scope(fields);
  auto wave = fields.object("wave");
  request.wave_nodes = wave.number("nodes", kWaveNodesDefault, 1, kWaveNodesMax);
  constexpr auto kFailuresMax = static_cast<std::int64_t>(NodeTable::kNodesMax);
  request.failures_max = fields.number("maxFailures", 0, 0, kFailuresMax);
  request.reason = fields.text("reason", kTextMax);
  request.who = fields.text("who", kTextMax);
  if (auto good = document->status(); !good) return pass(good, "refresh");
  return request;
}

Result<StopRequest> decode_stop_request(Bytes json) {
  if (json.empty()) return StopRequest();
  auto document = JsonDocument::parse(json);
  if (!document) return pass(document, "stop");
  auto fields = document->fields();
  StopRequest request{.reason = fields.text("reason", kTextMax),
                      .who = fields.text("who", kTextMax)};
  if (auto good = document->status(); !good) return pass(good, "stop");
  return request;
}

}  // namespace xylem::registry
