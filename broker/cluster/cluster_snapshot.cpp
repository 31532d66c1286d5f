// The half of ClusterState that is text: its snapshots.
#include "broker/cluster/cluster_state.h"
#include "broker/cluster/json_fields.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTopicsMax = 100'000;

Json fields_of(ReplicaId id, const RootBroker& broker) {
  return {{"broker", id.value()},
          {"node", broker.node},
          {"instance", broker.instance.text()},
          {"disk", broker.disk.text()},
          {"clients", broker.clients},
          {"pipe", broker.pipe},
          {"isAlive", broker.is_alive}};
}

std::pair<ReplicaId, RootBroker> read_broker(JsonFields& fields) {
  const auto id = fields.replica("broker");
  if (id == kNoReplica) fields.refuse("broker");
  RootBroker broker{.node = fields.text("node"),
                    .instance = fields.uuid("instance"),
                    .disk = fields.uuid("disk"),
                    .clients = fields.text("clients"),
                    .pipe = fields.text("pipe"),
                    .is_alive = fields.flag("isAlive")};
  if (!check_node_id(broker.node)) fields.refuse("node");
  return {id, std::move(broker)};
}

Json fields_of(const PartitionRecord& record) {
  return {{"replicas", to_json_value(record.replicas)},
          {"inSync", to_json_value(record.in_sync)},
          {"leader", record.leader.value()},
          {"preferred", record.preferred.value()},
          {"epoch", record.epoch.value()},
          {"version", record.version},
          {"movingTo", to_json_value(record.moving_to)}};
}

PartitionRecord read_record(JsonFields& fields, const TopicDefinition& topic) {
  PartitionRecord record;
  record.replicas = fields.replicas("replicas");
  record.in_sync = fields.replicas("inSync");
  record.leader = fields.replica("leader");
  record.preferred = fields.replica("preferred");
  record.epoch = Epoch(static_cast<std::int32_t>(
      fields.number("epoch", -1, std::numeric_limits<std::int32_t>::max())));
  record.version = static_cast<std::uint64_t>(
      fields.number("version", 0, std::numeric_limits<std::int64_t>::max()));
  record.min_insync = static_cast<std::uint16_t>(topic.min_insync);
  record.moving_to = fields.replicas("movingTo");
  const bool is_sorted =
      std::ranges::is_sorted(record.replicas) && std::ranges::is_sorted(record.in_sync);
  const bool has = is_sorted && std::ranges::includes(record.replicas, record.in_sync);
  const bool may_lead =
      record.leader == kNoReplica || std::ranges::binary_search(record.in_sync, record.leader);
  if (!has) fields.refuse("inSync");
  if (!may_lead) fields.refuse("leader");
  return record;
}

Json fields_of(const TopicState& topic) {
  auto partitions = Json::array();
  for (const auto& record : topic.partitions) partitions.push_back(fields_of(record));
  return {{"topic", to_json(topic.topic)}, {"partitions", std::move(partitions)}};
}

TopicState read_topic(JsonFields& fields) {
  TopicState topic;
  auto definition = topic_from_json(fields.text("topic"));
  if (!definition)
    fields.refuse(definition.error());
  else
    topic.topic = std::move(*definition);
  fields.list("partitions", kPartitionsMax, [&](const Json& value) {
    JsonFields one(value, "partition");
    topic.partitions.push_back(read_record(one, topic.topic));
    if (auto good = one.done(); !good) fields.refuse(good.error());
  });
  if (topic.partitions.size() != static_cast<std::size_t>(topic.topic.partitions))
    fields.refuse("partitions");
  return topic;
}

Json fields_of(const AuditEntry& entry) {
  return {{"who", entry.order.who},
          {"at", entry.order.at_ms},
          {"what", entry.what},
          {"result", entry.result}};
}

AuditEntry read_audit_entry(JsonFields& fields) {
  return {.order = {fields.text("who"),
                    fields.number("at", 0, std::numeric_limits<std::int64_t>::max())},
          .what = fields.text("what"),
          .result = fields.text("result")};
}

}  // namespace

std::string ClusterState::to_json() const {
  auto brokers = Json::array();
  for (const auto& [id, broker] : brokers_) brokers.push_back(fields_of(id, broker));
  auto topics = Json::array();
  for (const auto& [name, topic] : topics_) topics.push_back(fields_of(topic));
  auto audit = Json::array();
  for (const auto& entry : audit_) audit.push_back(fields_of(entry));
  return Json{{"brokers", std::move(brokers)},
              {"topics", std::move(topics)},
              {"audit", std::move(audit)},
              {"moveBytesPerS", move_bytes_per_s_}}
      .dump();
}

Result<ClusterState> ClusterState::from_json(std::string_view json) {
  const auto parsed = Json::parse(json, nullptr, false);
  JsonFields fields(parsed, "cluster state");
  ClusterState state;
  fields.list("brokers", kRootBrokersMax, [&](const Json& value) {
    JsonFields one(value, "broker");
    if (!state.brokers_.insert(read_broker(one)).second) fields.refuse("brokers");
    if (auto good = one.done(); !good) fields.refuse(good.error());
  });
  fields.list("topics", kTopicsMax, [&](const Json& value) {
    JsonFields one(value, "topic");
    auto topic = read_topic(one);
    if (auto good = one.done(); !good) fields.refuse(good.error());
    const bool is_new = state.find(topic.topic.incarnation.topic) == nullptr &&
                        !state.topics_.contains(topic.topic.name);
    if (!is_new) return fields.refuse("topics");
    state.names_.emplace(topic.topic.incarnation, topic.topic.name);
    state.topics_.emplace(topic.topic.name, std::move(topic));
  });
  fields.list("audit", kAuditMax, [&](const Json& value) {
    JsonFields one(value, "audit entry");
    state.audit_.push_back(read_audit_entry(one));
    if (auto good = one.done(); !good) fields.refuse(good.error());
  });
  state.move_bytes_per_s_ = fields.number("moveBytesPerS", 0, kMoveBytesPerSMax);
  auto good = fields.done();
  if (!good) return fail(Errc::kCorrupt, good.error().what());
  return state;
}

}  // namespace xylem::broker
