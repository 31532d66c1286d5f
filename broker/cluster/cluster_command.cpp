#include "broker/cluster/cluster_command.h"

#include "broker/cluster/json_fields.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using ReplicaLists = std::vector<std::vector<ReplicaId>>;

constexpr std::int64_t kVersionMax = INT64_MAX;

Json to_json_value(const ReplicaLists& lists) {
  auto array = Json::array();
  for (const auto& list : lists) array.push_back(broker::to_json_value(list));
  return array;
}

Json to_json_value(const std::vector<LogId>& logs) {
  auto array = Json::array();
  for (const auto& log : logs) array.push_back(broker::to_json_value(log));
  return array;
}

ReplicaId some_broker(JsonFields& fields) {
  const auto broker = fields.replica("broker");
  if (broker == kNoReplica) fields.refuse("broker");
  return broker;
}

std::vector<LogId> logs(JsonFields& fields, const char* field) {
  std::vector<LogId> all;
  fields.list(field, kChangesMax, [&](const Json& value) {
    const auto log = log_from_json(value);
    if (!log) return fields.refuse(field);
    all.push_back(*log);
  });
  return all;
}

ReplicaLists replica_lists(JsonFields& fields, const char* field) {
  ReplicaLists all;
  fields.list(field, kPartitionsMax, [&](const Json& value) {
    auto replicas = replicas_from_json(value);
    if (!replicas) return fields.refuse(field);
    all.push_back(std::move(*replicas));
  });
  return all;
}

// A topic's definition is text of its own: the one that `__topics` holds.
TopicDefinition topic(JsonFields& fields) {
  auto parsed = topic_from_json(fields.text("topic"));
  if (!parsed) fields.refuse(parsed.error());
  return std::move(parsed).value_or(TopicDefinition());
}

// For each command its name, its fields, and how they are read.

Json fields_of(const RegisterBroker& it) {
  return {{"do", "registerBroker"},
          {"broker", it.broker.value()},
          {"node", it.node},
          {"instance", it.instance.text()},
          {"disk", it.disk.text()},
          {"clients", it.clients},
          {"pipe", it.pipe},
          {"isClean", it.is_clean},
          {"unproven", to_json_value(it.unproven)}};
}

void read(JsonFields& fields, RegisterBroker& it) {
  it.broker = some_broker(fields);
  it.node = fields.text("node");
  if (!check_node_id(it.node)) fields.refuse("node");
  it.instance = fields.uuid("instance");
  it.disk = fields.uuid("disk");
  it.clients = fields.text("clients");
  it.pipe = fields.text("pipe");
  it.is_clean = fields.flag("isClean");
  it.unproven = logs(fields, "unproven");
}

Json fields_of(const FenceBroker& it) {
  return {{"do", "fenceBroker"}, {"broker", it.broker.value()}};
}

void read(JsonFields& fields, FenceBroker& it) { it.broker = some_broker(fields); }

Json fields_of(const CreateTopic& it) {
  return {{"do", "createTopic"},
          {"topic", to_json(it.topic)},
          {"replicas", to_json_value(it.replicas)}};
}

void read(JsonFields& fields, CreateTopic& it) {
  it.topic = topic(fields);
  it.replicas = replica_lists(fields, "replicas");
}

Json fields_of(const AlterTopic& it) {
  return {{"do", "alterTopic"}, {"topic", to_json(it.topic)}, {"added", to_json_value(it.added)}};
}

void read(JsonFields& fields, AlterTopic& it) {
  it.topic = topic(fields);
  it.added = replica_lists(fields, "added");
}

Json fields_of(const DeleteTopic& it) {
  return {{"do", "deleteTopic"},
          {"topicId", it.topic.topic.text()},
          {"generation", it.topic.generation}};
}

void read(JsonFields& fields, DeleteTopic& it) {
  it.topic.topic = fields.uuid("topicId");
  it.topic.generation = static_cast<std::uint32_t>(fields.number("generation", 0, UINT32_MAX));
}

Json fields_of(const ChangeInSync& it) {
  auto changes = Json::array();
  for (const auto& change : it.changes) {
    changes.push_back({{"log", broker::to_json_value(change.log)},
                       {"leader", change.leader.value()},
                       {"version", change.version},
                       {"inSync", broker::to_json_value(change.in_sync)}});
  }
  return {{"do", "changeInSync"}, {"changes", changes}};
}

void read(JsonFields& fields, ChangeInSync& it) {
  fields.list("changes", kChangesMax, [&](const Json& value) {
    JsonFields one(value, "change");
    it.changes.push_back(
        {.log = one.log("log"),
         .leader = one.replica("leader"),
         .version = static_cast<std::uint64_t>(one.number("version", 0, kVersionMax)),
         .in_sync = one.replicas("inSync")});
    if (auto good = one.done(); !good) fields.refuse(good.error());
  });
}

void read(JsonFields& fields, Order& it) {
  it.who = fields.text("who");
  if (it.who.empty() || it.who.size() > kWhoBytesMax) fields.refuse("who");
  it.at_ms = fields.number("at", 0, INT64_MAX);
}

Json fields_of(const MoveReplicas& it) {
  auto moves = Json::array();
  for (const auto& move : it.moves) {
    moves.push_back({{"log", broker::to_json_value(move.log)},
                     {"replicas", broker::to_json_value(move.replicas)}});
  }
  return {{"do", "moveReplicas"},
          {"moves", moves},
          {"bytesPerS", it.bytes_per_s},
          {"who", it.order.who},
          {"at", it.order.at_ms}};
}

void read(JsonFields& fields, MoveReplicas& it) {
  fields.list("moves", kChangesMax, [&](const Json& value) {
    JsonFields one(value, "move");
    it.moves.push_back({one.log("log"), one.replicas("replicas")});
    if (auto good = one.done(); !good) fields.refuse(good.error());
  });
  it.bytes_per_s = fields.number("bytesPerS", 0, kMoveBytesPerSMax);
  read(fields, it.order);
}

Json fields_of(const ForceElection& it) {
  return {{"do", "forceElection"},
          {"log", broker::to_json_value(it.log)},
          {"broker", it.broker.value()},
          {"who", it.order.who},
          {"at", it.order.at_ms}};
}

void read(JsonFields& fields, ForceElection& it) {
  it.log = fields.log("log");
  it.broker = some_broker(fields);
  read(fields, it.order);
}

Json fields_of(const ReturnLeaders& it) {
  return {{"do", "returnLeaders"}, {"logs", to_json_value(it.logs)}};
}

void read(JsonFields& fields, ReturnLeaders& it) { it.logs = logs(fields, "logs"); }

template <class Command>
Result<ClusterCommand> read_command(JsonFields& fields) {
  Command command;
  read(fields, command);
  if (auto good = fields.done(); !good) return pass(good);
  return command;
}

struct Reader {
  std::string_view name;
  Result<ClusterCommand> (*read)(JsonFields&);
};

constexpr std::array<Reader, std::variant_size_v<ClusterCommand>> kReaders = {{
    {"registerBroker", read_command<RegisterBroker>},
    {"fenceBroker", read_command<FenceBroker>},
    {"createTopic", read_command<CreateTopic>},
    {"alterTopic", read_command<AlterTopic>},
    {"deleteTopic", read_command<DeleteTopic>},
    {"changeInSync", read_command<ChangeInSync>},
    {"moveReplicas", read_command<MoveReplicas>},
    {"returnLeaders", read_command<ReturnLeaders>},
    {"forceElection", read_command<ForceElection>},
}};

}  // namespace

std::string to_json(const ClusterCommand& command) {
  return std::visit([](const auto& one) { return fields_of(one); }, command).dump();
}

Result<ClusterCommand> command_from_json(std::string_view json) {
  if (json.size() > kCommandBytesMax)
    return fail(Errc::kMessageTooLarge,
                "a command has at most " + std::to_string(kCommandBytesMax) + " bytes");
  const auto parsed = Json::parse(json, nullptr, false);
  JsonFields fields(parsed, "command");
  const auto name = fields.text("do");
  for (const auto& reader : kReaders) {
    if (reader.name == name) return reader.read(fields);
  }
  return fail(Errc::kInvalidRequest, "unknown command \"" + name + "\"");
}

}  // namespace xylem::broker
