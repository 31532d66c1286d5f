#include "broker/admin/json_message.h"

#include "broker/json/json_text.h"
#include "common/batch/due_time.h"
#include "common/text_encoding.h"

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(Errc::kInvalidRequest,
              "message field \"" + std::string(field) + "\" must be " + std::string(expected));
}

// A text, decoded when `encoding` says base64. JSON that is neither text nor null is stored as its
// own JSON text, so that {"value":{...}} does what its author means.
Result<std::optional<std::string>> content(const Json& object,
                                           const char* field,
                                           const char* encoding) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::nullopt;
  const auto how = object.find(encoding);
  if (how == object.end()) return found->is_string() ? found->get<std::string>() : found->dump();
  if (*how != "base64" || !found->is_string()) return wrong(encoding, "\"base64\", with a string");
  auto decoded = base64_decode(found->get<std::string>());
  if (!decoded) return pass(decoded, field);
  return std::string(text_of(*decoded));
}

Status set_headers(const Json& object, Record& record) {
  const auto found = object.find("headers");
  if (found == object.end()) return {};
  if (!found->is_object()) return wrong("headers", "an object of strings");
  if (found->size() > kRecordHeadersMax)
    return wrong("headers", "at most " + std::to_string(kRecordHeadersMax) + " of them");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return wrong("headers", "an object of strings");
    record.headers.emplace_back(name, value.get<std::string>());
  }
  return {};
}

Result<std::optional<std::int64_t>> integer(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::nullopt;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  // Whole numbers from 0 are parsed as unsigned ones.
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > kMax)
    return wrong(field, "an integer from 0 to " + std::to_string(kMax));
  return found->get<std::int64_t>();
}

Result<JsonMessage> message(const Json& object, std::int64_t now_ms) {
  if (!object.is_object()) return fail(Errc::kInvalidRequest, "a message is a JSON object");
  JsonMessage made;
  auto key = content(object, "key", "keyEncoding");
  if (!key) return pass(key);
  auto value = content(object, "value", "valueEncoding");
  if (!value) return pass(value);
  made.record.key = std::move(*key);
  made.record.value = std::move(*value);
  if (!made.record.key && !made.record.value)
    return fail(Errc::kInvalidRequest, "a message without a value deletes, and needs a key");
  if (auto headers = set_headers(object, made.record); !headers) return pass(headers);
  auto timestamp = integer(object, "timestamp");
  if (!timestamp) return pass(timestamp);
  made.record.timestamp_ms = timestamp->value_or(now_ms);
  auto due_at_ms = integer(object, "dueAt");
  if (!due_at_ms) return pass(due_at_ms);
  if (const auto& wanted = *due_at_ms; wanted.has_value()) set_due_at(made.record, *wanted);
  auto partition = integer(object, "partition");
  if (!partition) return pass(partition);
  if (const auto& wanted = *partition; wanted.has_value()) {
    if (*wanted > INT32_MAX) return wrong("partition", "a partition's number");
    made.partition = PartitionId(static_cast<std::int32_t>(*wanted));
  }
  return made;
}

Result<std::pair<Json, JsonProduce>> request(std::string_view json) {
  auto parsed = parse_json(json);
  if (!parsed) return pass(parsed, "the body");
  auto& object = *parsed;
  if (!object.is_object() || !object.contains("topic") || !object["topic"].is_string())
    return fail(Errc::kInvalidRequest, "a JSON object with a string \"topic\" is needed");
  JsonProduce produce;
  produce.topic = object["topic"].get<std::string>();
  if (const auto acks = object.find("acks"); acks != object.end()) {
    if (*acks != "all" && *acks != "leader" && *acks != "none")
      return wrong("acks", "all, leader or none");
  }
  return std::pair(std::move(object), std::move(produce));
}

}  // namespace

Result<JsonProduce> message_from_json(std::string_view json, std::int64_t now_ms) {
  auto parsed = request(json);
  if (!parsed) return pass(parsed);
  auto& [object, produce] = *parsed;
  auto one = message(object, now_ms);
  if (!one) return pass(one);
  produce.messages.emplace_back(std::move(*one));
  return std::move(produce);
}

Result<JsonProduce> messages_from_json(std::string_view json, std::int64_t now_ms) {
  auto parsed = request(json);
  if (!parsed) return pass(parsed);
  auto& [object, produce] = *parsed;
  const auto list = object.find("messages");
  if (list == object.end() || !list->is_array() || list->empty())
    return wrong("messages", "a list with at least one message");
  for (const auto& item : *list) produce.messages.push_back(message(item, now_ms));
  return std::move(produce);
}

}  // namespace xylem::broker
