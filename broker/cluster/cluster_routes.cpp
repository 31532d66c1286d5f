#include "broker/cluster/cluster_routes.h"

#include "broker/cluster/json_fields.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

Json describe(std::size_t partition, const PartitionRecord& record) {
  return {{"partition", partition},
          {"replicas", to_json_value(record.replicas)},
          {"inSync", to_json_value(record.in_sync)},
          {"leader", record.leader.value()},
          {"preferred", record.preferred.value()},
          {"epoch", record.epoch.value()},
          {"version", record.version},
          {"movingTo", to_json_value(record.moving_to)}};
}

Json describe(const TopicState& topic) {
  auto partitions = Json::array();
  for (std::size_t i = 0; i < topic.partitions.size(); ++i)
    partitions.push_back(describe(i, topic.partitions[i]));
  return {{"name", topic.topic.name},
          {"generation", topic.topic.incarnation.generation},
          {"replicas", topic.topic.replicas},
          {"minInsync", topic.topic.min_insync},
          {"partitions", std::move(partitions)}};
}

Json describe(const RootTier& tier) {
  const auto& metadata = tier.metadata();
  auto brokers = Json::array();
  for (const auto& [id, broker] : metadata.state().brokers()) {
    brokers.push_back({{"broker", id.value()},
                       {"node", broker.node},
                       {"isAlive", broker.is_alive},
                       {"clients", broker.clients},
                       {"pipe", broker.pipe}});
  }
  auto topics = Json::array();
  for (const auto& [name, topic] : metadata.state().topics()) topics.push_back(describe(topic));
  return {{"self", tier.self().value()},
          {"controller", metadata.controller().value_or(kNoReplica).value()},
          {"registered", tier.ready().has_value()},
          {"contactAgeMs", metadata.contact_age_ms()},
          {"brokers", std::move(brokers)},
          {"topics", std::move(topics)}};
}

Json describe(const std::deque<AuditEntry>& audit) {
  auto entries = Json::array();
  for (const auto& entry : audit) {
    entries.push_back({{"at", entry.order.at_ms},
                       {"who", entry.order.who},
                       {"what", entry.what},
                       {"result", entry.result}});
  }
  return {{"entries", std::move(entries)}};
}

}  // namespace

void add_cluster_routes(network::HttpServer& server, const RootTier& tier) {
  server.route("GET", "/api/v1/cluster",
               [&tier](const network::HttpRequest&, const network::HttpReplyPtr& reply) {
                 reply->send(network::HttpResponse::json(200, json_text(describe(tier))));
               });
  server.route("GET", "/api/v1/cluster/audit",
               [&tier](const network::HttpRequest&, const network::HttpReplyPtr& reply) {
                 const auto& audit = tier.metadata().state().audit();
                 reply->send(network::HttpResponse::json(200, json_text(describe(audit))));
               });
}

}  // namespace xylem::broker
