#include "cli/commands/topic_tables.h"

#include "cli/json_document.h"
#include "cli/output.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

std::string limit_text(const Json& topic, const char* field) {
  const auto limit = integer_at(topic, field, -1);
  return limit < 0 ? "none" : std::to_string(limit);
}

// Of a partition that the broker who was asked does not have, little is known.
std::string known_text(const Json& partition, const char* field) {
  const auto number = integer_at(partition, field, -1);
  return number < 0 ? "?" : std::to_string(number);
}

bool is_broadcast(const network::TopicMetadata& topic) {
  return topic.delivery == network::Delivery::kBroadcast;
}

}  // namespace

std::string metadata_list(const network::MetadataAnswer& metadata) {
  Table table({"TOPIC", "PARTITIONS", "ID", "OF"});
  for (const auto& topic : metadata.topics) {
    table.add({topic.name, std::to_string(topic.partitions.size()), topic.incarnation.topic.text(),
               topic.is_local ? "local" : "cluster"});
  }
  return table.text();
}

std::string metadata_detail(const network::TopicMetadata& topic) {
  Table table({"PARTITION", "LEADER", "ADDRESS", "EPOCH", "START", "HIGH WATERMARK"});
  for (const auto& one : topic.partitions) {
    table.add({std::to_string(one.partition.value()), one.leader.empty() ? "none" : one.leader,
               one.leader_address, std::to_string(one.epoch.value()),
               std::to_string(one.log_start.value()), std::to_string(one.high_watermark.value())});
  }
  return topic.name + "  id " + topic.incarnation.topic.text() + "  generation " +
         std::to_string(topic.incarnation.generation) +
         (is_broadcast(topic) ? "  delivery broadcast" : "") + "\n" + table.text();
}

std::string metadata_json(const network::MetadataAnswer& metadata) {
  auto topics = Json::array();
  for (const auto& topic : metadata.topics) {
    auto partitions = Json::array();
    for (const auto& one : topic.partitions) {
      partitions.push_back({{"partition", one.partition.value()},
                            {"leader", one.leader},
                            {"address", one.leader_address},
                            {"epoch", one.epoch.value()},
                            {"start", one.log_start.value()},
                            {"highWatermark", one.high_watermark.value()}});
    }
    Json described{{"name", topic.name},
                   {"topicId", topic.incarnation.topic.text()},
                   {"generation", topic.incarnation.generation},
                   {"partitions", std::move(partitions)}};
    if (is_broadcast(topic)) described["delivery"] = "broadcast";
    if (topic.is_local) described["local"] = true;
    topics.push_back(std::move(described));
  }
  return Json{{"topics", std::move(topics)}}.dump() + "\n";
}

Result<std::string> topics_text(const std::string& document, bool with_internal) {
  auto json = parse_document(document);
  if (!json) return pass(json);
  Table table({"TOPIC", "PARTITIONS", "CLEANUP", "RETENTION MS", "RETENTION BYTES", "FLUSH"});
  for (const auto& topic : list_at(*json, "topics")) {
    if (flag_at(topic, "internal") && !with_internal) continue;
    table.add({text_at(topic, "name"), std::to_string(integer_at(topic, "partitions")),
               text_at(topic, "cleanup"), limit_text(topic, "retentionMs"),
               limit_text(topic, "retentionBytes"), text_at(topic, "flush")});
  }
  return table.text();
}

Result<std::string> topic_text(const std::string& document) {
  auto topic = parse_document(document);
  if (!topic) return pass(topic);
  Table table({"PARTITION", "LEADER", "START", "HIGH WATERMARK", "END", "BYTES", "SEGMENTS"});
  for (const auto& one : list_at(*topic, "partitionState")) {
    table.add({std::to_string(integer_at(one, "partition")), text_at(one, "leader"),
               known_text(one, "start"), known_text(one, "highWatermark"), known_text(one, "end"),
               known_text(one, "bytes"), known_text(one, "segments")});
  }
  const auto dead_letter_after = integer_at(*topic, "deadLetterAfter", 0);
  return text_at(*topic, "name") + "  id " + text_at(*topic, "topicId") + "  generation " +
         std::to_string(integer_at(*topic, "generation")) + "\ncleanup " +
         text_at(*topic, "cleanup") + "  retention ms " + limit_text(*topic, "retentionMs") +
         "  retention bytes " + limit_text(*topic, "retentionBytes") + "  flush " +
         text_at(*topic, "flush") +
         (topic->contains("delivery") ? "  delivery " + text_at(*topic, "delivery") : "") +
         (dead_letter_after > 0 ? "  dead letter after " + std::to_string(dead_letter_after) : "") +
         "\n" + table.text();
}

}  // namespace xylem::cli
