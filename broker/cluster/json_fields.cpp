#include "broker/cluster/json_fields.h"

#include "broker/cluster/cluster_command.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

const Json& nothing() {
  static const Json kNothing;
  return kNothing;
}

std::optional<std::int64_t> integer(const Json& value, std::int64_t min, std::int64_t max) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMax) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < min || number > max) return std::nullopt;
  return number;
}

}  // namespace

JsonFields::JsonFields(const Json& object, std::string_view what)
    : object_(object.is_object() ? object : nothing()), what_(what) {
  if (!object.is_object()) wrong_ = Error(Errc::kInvalidRequest, what_ + " is a JSON object");
}

const Json& JsonFields::take(const char* field) {
  taken_.insert(field);
  const auto found = object_.find(field);
  return found == object_.end() ? nothing() : *found;
}

bool JsonFields::has(const char* field) const { return object_.contains(field); }

void JsonFields::list(const char* field,
                      std::size_t max,
                      const std::function<void(const Json&)>& each) {
  const auto& array = take(field);
  if (!array.is_array() || array.size() > max) return refuse(field);
  for (const auto& element : array) each(element);
}

void JsonFields::refuse(std::string_view field) {
  refuse(Error(Errc::kInvalidRequest,
               what_ + " field \"" + std::string(field) + "\" is missing or wrong"));
}

void JsonFields::refuse(Error error) {
  if (!wrong_) wrong_ = std::move(error);
}

std::int64_t JsonFields::number(const char* field, std::int64_t min, std::int64_t max) {
  const auto found = integer(take(field), min, max);
  if (!found) refuse(field);
  return found.value_or(min);
}

std::string JsonFields::text(const char* field) {
  const auto& value = take(field);
  if (value.is_string()) return value.get<std::string>();
  refuse(field);
  return {};
}

bool JsonFields::flag(const char* field) {
  const auto& value = take(field);
  if (value.is_boolean()) return value.get<bool>();
  refuse(field);
  return false;
}

Uuid JsonFields::uuid(const char* field) {
  const auto parsed = Uuid::parse(text(field));
  if (!parsed) refuse(field);
  return parsed.value_or(Uuid());
}

LogId JsonFields::log(const char* field) {
  const auto parsed = log_from_json(take(field));
  if (!parsed) refuse(field);
  return parsed.value_or(LogId());
}

ReplicaId JsonFields::replica(const char* field) {
  return ReplicaId(static_cast<std::int32_t>(number(field, -1, kRootBrokersMax - 1)));
}

std::vector<ReplicaId> JsonFields::replicas(const char* field) {
  auto parsed = replicas_from_json(take(field));
  if (!parsed) refuse(field);
  return std::move(parsed).value_or(std::vector<ReplicaId>());
}

Status JsonFields::done() {
  for (const auto& [field, value] : object_.items()) {
    if (!taken_.contains(field))
      refuse(Error(Errc::kInvalidRequest, what_ + " has no field \"" + field + "\""));
  }
  if (wrong_) return std::unexpected(*wrong_);
  return {};
}

Json to_json_value(const LogId& log) {
  return Json::array(
      {log.incarnation.topic.text(), log.incarnation.generation, log.partition.value()});
}

Result<LogId> log_from_json(const Json& value) {
  constexpr std::int64_t kGenerationMax = std::numeric_limits<std::uint32_t>::max();
  if (value.is_array() && value.size() == 3 && value[0].is_string()) {
    const auto topic = TopicId::parse(value[0].get<std::string>());
    const auto generation = integer(value[1], 0, kGenerationMax);
    const auto partition = integer(value[2], 0, kPartitionsMax - 1);
    if (topic && generation && partition) {
      return LogId{{*topic, static_cast<std::uint32_t>(*generation)},
                   PartitionId(static_cast<std::int32_t>(*partition))};
    }
  }
  return fail(Errc::kInvalidRequest, "a log is [topic id, generation, partition]");
}

Json to_json_value(const std::vector<ReplicaId>& replicas) {
  auto array = Json::array();
  for (const auto replica : replicas) array.push_back(replica.value());
  return array;
}

Result<std::vector<ReplicaId>> replicas_from_json(const Json& value) {
  const auto wrong = fail(Errc::kInvalidRequest, "replicas are numbers of brokers, each once");
  if (!value.is_array() || value.size() > kRootBrokersMax) return wrong;
  std::vector<ReplicaId> replicas;
  for (const auto& element : value) {
    const auto number = integer(element, 0, kRootBrokersMax - 1);
    if (!number) return wrong;
    const ReplicaId replica(static_cast<std::int32_t>(*number));
    if (std::ranges::find(replicas, replica) != replicas.end()) return wrong;
    replicas.push_back(replica);
  }
  return replicas;
}

}  // namespace xylem::broker
