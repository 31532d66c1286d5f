#include "cli/format/readers.h"
#include "common/text_encoding.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 64;

std::unexpected<Error> malformed(std::string what) {
  return fail(Errc::kInvalidRequest, std::move(what));
}

Result<Json> parse_object(std::string_view line) {
  bool is_too_deep = false;
  const auto watch = [&is_too_deep](int depth, Json::parse_event_t, Json&) {
    is_too_deep = is_too_deep || depth > kDepthMax;
    return !is_too_deep;
  };
  auto object = Json::parse(line, watch, false);
  if (is_too_deep) return malformed("JSON nested deeper than " + std::to_string(kDepthMax));
  if (object.is_discarded()) return malformed("not JSON");
  if (!object.is_object()) return malformed("not a JSON object");
  return object;
}

// A string as it is, anything else as JSON.
std::string text_of_value(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<Record> parse_line(std::string_view line, const std::string& key) {
  auto object = parse_object(line);
  if (!object) return pass(object);
  Record record{.value = std::string(line)};
  if (key.empty()) return record;
  const auto field = object->find(key);
  if (field == object->end() || field->is_null()) return malformed("no field \"" + key + "\"");
  record.key = text_of_value(*field);
  return record;
}

// The text of `name`, decoded where `encoding` says base64; none when it is null or missing.
Result<std::optional<std::string>> content(const Json& object,
                                           const char* name,
                                           const char* encoding) {
  const auto field = object.find(name);
  if (field == object.end() || field->is_null()) return std::nullopt;
  if (!object.contains(encoding)) return text_of_value(*field);
  if (object[encoding] != "base64" || !field->is_string())
    return malformed(std::string(encoding) + " can only be \"base64\", of a string");
  const auto bytes = base64_decode(field->get<std::string>());
  if (!bytes) return malformed(std::string(name) + " is not base64");
  return std::string(text_of(*bytes));
}

Status take_headers(const Json& object, Record& record) {
  const auto headers = object.find("headers");
  if (headers == object.end() || headers->is_null()) return {};
  if (!headers->is_object()) return malformed("\"headers\" is not an object");
  for (const auto& [name, value] : headers->items()) {
    std::optional<std::string> text;
    if (!value.is_null()) text = text_of_value(value);
    record.headers.emplace_back(name, std::move(text));
  }
  return {};
}

Result<Record> parse_envelope(std::string_view line) {
  auto object = parse_object(line);
  if (!object) return pass(object);
  if (!object->contains("value")) return malformed("an envelope without \"value\"");
  auto key = content(*object, "key", "keyEncoding");
  if (!key) return pass(key);
  auto value = content(*object, "value", "encoding");
  if (!value) return pass(value);
  Record record{.key = std::move(*key), .value = std::move(*value)};
  if (auto taken = take_headers(*object, record); !taken) return pass(taken);
  if (const auto time = object->find("timestamp"); time != object->end()) {
    if (!time->is_number_integer()) return malformed("\"timestamp\" is not in milliseconds");
    record.timestamp_ms = time->get<std::int64_t>();
  }
  return record;
}

}  // namespace

std::unique_ptr<InputFormat> make_ndjson_reader(std::string key) {
  const auto parse = [key = std::move(key)](std::string_view line) {
    return parse_line(line, key);
  };
  return std::make_unique<LineByLine>(parse, LineByLine::Blank::kSkipped);
}

std::unique_ptr<InputFormat> make_envelope_reader() {
  return std::make_unique<LineByLine>(parse_envelope, LineByLine::Blank::kSkipped);
}

}  // namespace xylem::cli
