#include "broker/groups/group_request.h"

#include "broker/json/json_text.h"
#include "storage/partition_log.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(const std::string& field, const std::string& wanted) {
  return fail(Errc::kInvalidRequest, "\"" + field + "\" must be " + wanted);
}

// The object, with none but the fields that are asked for.
Result<Json> fields_in(std::string_view text, std::initializer_list<std::string_view> known) {
  auto object = parse_json_object(text, "the request");
  if (!object) return object;
  for (const auto& [field, value] : object->items()) {
    if (std::ranges::find(known, field) == known.end())
      return fail(Errc::kInvalidRequest, "unknown field \"" + field + "\"");
  }
  return object;
}

Result<std::string> text_in(const Json& object, const std::string& field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_string()) return wrong(field, "a string");
  return found->get<std::string>();
}

Result<std::int64_t> number_in(const Json& object, const std::string& field, std::int64_t max) {
  const auto found = object.find(field);
  const bool is_one = found != object.end() && found->is_number_integer();
  // An unsigned number above the signed ones turns negative here.
  const auto number = is_one ? found->get<std::int64_t>() : -1;
  if (number < 0 || number > max) return wrong(field, "a number from 0 to " + std::to_string(max));
  return number;
}

Result<std::pair<TopicPartition, Offset>> reset_offset(const Json& item) {
  if (!item.is_object()) return wrong("offsets", "an array of objects");
  auto topic = text_in(item, "topic");
  if (!topic) return pass(topic);
  auto partition = number_in(item, "partition", INT32_MAX);
  if (!partition) return pass(partition);
  auto offset = number_in(item, "offset", storage::kOffsetMax.value());
  if (!offset) return pass(offset);
  return std::pair(
      TopicPartition{std::move(*topic), PartitionId(static_cast<std::int32_t>(*partition))},
      Offset(*offset));
}

Result<ResetTarget> reset_target(const Json& object) {
  if (object.contains("offsets"))
    return fail(Errc::kInvalidRequest, "\"offsets\" and \"to\" are two ways to say where to go",
                "say one of them");
  auto topic = text_in(object, "topic");
  if (!topic) return pass(topic);
  ResetTarget target{.topic = std::move(*topic), .partition = {}, .to = {}};
  const auto& to = object.at("to");
  if (to.is_string()) {
    target.to = to.get<std::string>();
  } else {
    auto moment_ms = number_in(object, "to", INT64_MAX);
    if (!moment_ms) return wrong("to", "earliest, latest, or a moment");
    target.to = std::to_string(*moment_ms);
  }
  if (!object.contains("partition")) return target;
  auto partition = number_in(object, "partition", INT32_MAX);
  if (!partition) return pass(partition);
  target.partition = PartitionId(static_cast<std::int32_t>(*partition));
  return target;
}

Result<std::vector<std::pair<TopicPartition, Offset>>> reset_offsets(const Json& object) {
  for (const auto* field : {"topic", "partition"}) {
    if (object.contains(field))
      return fail(Errc::kInvalidRequest,
                  "\"" + std::string(field) + "\" is the topic's that goes \"to\" a place",
                  "say \"to\", or name the topic in each of \"offsets\"");
  }
  const auto list = object.find("offsets");
  if (list == object.end() || !list->is_array() || list->empty() || list->size() > kResetOffsetsMax)
    return wrong("offsets", "an array of 1 to " + std::to_string(kResetOffsetsMax));
  std::vector<std::pair<TopicPartition, Offset>> offsets;
  for (const auto& item : *list) {
    auto offset = reset_offset(item);
    if (!offset) return pass(offset);
    offsets.push_back(std::move(*offset));
  }
  return offsets;
}

}  // namespace

Result<std::string> group_in(std::string_view json) {
  auto object = fields_in(json, {"group"});
  if (!object) return pass(object);
  return text_in(*object, "group");
}

Result<ResetRequest> reset_request_in(std::string_view json) {
  auto object =
      fields_in(json, {"group", "offsets", "topic", "partition", "to", "dryRun", "instance"});
  if (!object) return pass(object);
  ResetRequest request;
  auto group = text_in(*object, "group");
  if (!group) return pass(group);
  request.group = std::move(*group);
  const auto dry = object->find("dryRun");
  if (dry != object->end() && !dry->is_boolean()) return wrong("dryRun", "true or false");
  request.is_dry = dry != object->end() && dry->get<bool>();
  if (object->contains("instance")) {
    auto instance = text_in(*object, "instance");
    if (!instance) return pass(instance);
    request.instance = std::move(*instance);
  }
  if (object->contains("to")) {
    auto target = reset_target(*object);
    if (!target) return pass(target);
    request.target = std::move(*target);
    return request;
  }
  auto offsets = reset_offsets(*object);
  if (!offsets) return pass(offsets);
  request.offsets = std::move(*offsets);
  return request;
}

Result<ForgetRequest> forget_request_in(std::string_view json) {
  auto object = fields_in(json, {"group", "instance"});
  if (!object) return pass(object);
  auto group = text_in(*object, "group");
  if (!group) return pass(group);
  auto instance = text_in(*object, "instance");
  if (!instance) return pass(instance);
  return ForgetRequest{std::move(*group), std::move(*instance)};
}

Result<OffsetsRequest> offsets_request_in(std::string_view json) {
  auto object = fields_in(json, {"topic", "timestampMs"});
  if (!object) return pass(object);
  auto topic = text_in(*object, "topic");
  if (!topic) return pass(topic);
  OffsetsRequest request{.topic = std::move(*topic), .timestamp_ms = {}};
  if (!object->contains("timestampMs")) return request;
  auto timestamp_ms = number_in(*object, "timestampMs", INT64_MAX);
  if (!timestamp_ms) return pass(timestamp_ms);
  request.timestamp_ms = *timestamp_ms;
  return request;
}

}  // namespace xylem::broker
