#include "broker/topology/node_report.h"

#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

void put_age(Json& object, std::uint64_t age_ms) {
  if (age_ms != UINT64_MAX) object["ageMs"] = age_ms;
}

Json to_object(const ReportedPartition& partition) {
  Json object{{"name", partition.topic},
              {"topicId", partition.log.incarnation.topic.text()},
              {"generation", partition.log.incarnation.generation},
              {"partition", partition.log.partition.value()},
              {"start", partition.start.value()},
              {"end", partition.end.value()},
              {"highWatermark", partition.high_watermark.value()},
              {"bytes", partition.bytes}};
  put_age(object, partition.age_ms);
  return object;
}

Json to_object(const ReportedRefresh& refresh) {
  return {{"id", refresh.id},
          {"topic", refresh.topic},
          {"state", refresh.state},
          {"consumers",
           {{"total", refresh.consumers},
            {"reset", refresh.consumers_reset},
            {"ready", refresh.consumers_ready}}},
          {"replayed", refresh.replayed},
          {"toReplay", refresh.to_replay},
          {"failure", refresh.failure}};
}

}  // namespace

std::string to_json(const NodeReport& report) {
  auto topics = Json::array();
  for (const auto& partition : report.partitions) topics.push_back(to_object(partition));
  Json body{
      {"location", report.location},
      {"roleWish", report.role_wish.empty() ? Json() : Json(report.role_wish)},
      {"clusterId", report.cluster.is_nil() ? "" : report.cluster.text()},
      {"version", report.version},
      {"instance", report.instance},
      {"addresses", {{"tcp", report.tcp}, {"http", report.http}, {"pipe", report.pipe}}},
      {"topologyVersion", report.topology_version},
      {"health", report.health},
      {"parent", report.parent},
      {"lastError", report.last_error},
      {"memoryBytes", report.memory_bytes},
      {"uptimeMs", report.uptime_ms},
      {"topics", std::move(topics)},
  };
  put_age(body, report.age_ms);
  for (const auto& refresh : report.refreshes) body["refreshes"].push_back(to_object(refresh));
  return json_text(body);
}

}  // namespace xylem::broker
