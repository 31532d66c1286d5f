#include "registry/partition_states.h"

#include <nlohmann/json.hpp>

#include <map>
#include <tuple>
#include <utility>

namespace xylem::registry {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// By node, topic, generation and partition.
using Key = std::tuple<NodeId, std::string, std::int64_t, std::int64_t>;

std::map<Key, const TopicReport*> reports_of_roots(const RegistryService& service) {
  std::map<Key, const TopicReport*> reports;
  for (const auto& [id, node] : service.nodes().entries()) {
    if (node.role != Role::kRoot) continue;
    for (const auto& topic : node.report.topics) {
      const auto generation = std::int64_t{topic.incarnation.generation};
      reports.emplace(Key{id, topic.name, generation, topic.partition.value()}, &topic);
    }
  }
  return reports;
}

std::string string_of(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

void complete(Json& topic, const std::map<Key, const TopicReport*>& reports) {
  if (!topic.is_object()) return;
  const auto states = topic.find("partitionState");
  if (states == topic.end() || !states->is_array()) return;
  for (auto& state : *states) {
    if (!state.is_object() || state.contains("end")) continue;
    const auto found =
        reports.find({string_of(state, "leader"), string_of(topic, "name"),
                      number_of(topic, "generation"), number_of(state, "partition")});
    if (found == reports.end()) continue;
    state["start"] = found->second->start.value();
    state["end"] = found->second->end.value();
    state["highWatermark"] = found->second->high_watermark.value();
    if (found->second->age_ms != kUnknownAge) state["ageMs"] = found->second->age_ms;
  }
}

}  // namespace

std::string with_reports(std::string_view topics_json, const RegistryService& service) {
  auto answer = Json::parse(topics_json, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return std::string(topics_json);
  const auto reports = reports_of_roots(service);
  const auto topics = answer.find("topics");
  if (topics == answer.end() || !topics->is_array()) {
    complete(answer, reports);
  } else {
    for (auto& topic : *topics) complete(topic, reports);
  }
  return text(answer);
}

Result<std::string> partitions_document(std::string_view topics_json) {
  const auto answer = Json::parse(topics_json, nullptr, /*allow_exceptions=*/false);
  const auto topics = answer.is_object() ? answer.find("topics") : answer.end();
  if (!answer.is_object() || topics == answer.end() || !topics->is_array())
    return fail(Errc::kInvalidRequest, "the root's answer has no list of topics");
  Json partitions = Json::array();
  for (const auto& each : *topics) {
    const auto name = each.is_object() ? each.find("name") : each.end();
    const auto states = each.is_object() ? each.find("partitionState") : each.end();
    if (!each.is_object() || name == each.end() || states == each.end() || !states->is_array())
      return fail(Errc::kInvalidRequest, "the root's answer has a topic without partitions");
    for (const auto& state : *states) {
      Json partition{{"topic", *name}};
      if (state.is_object()) partition.update(state);
      partitions.push_back(std::move(partition));
    }
  }
  return text(Json{{"partitions", std::move(partitions)}});
}

}  // namespace xylem::registry
