#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

namespace xylem::broker {

using Json = nlohmann::json;

Result<Json> parse_json(std::string_view text) {
  bool is_too_deep = false;
  const auto watch = [&is_too_deep](int depth, Json::parse_event_t, Json&) {
    is_too_deep = is_too_deep || depth > kJsonDepthMax;
    return !is_too_deep;
  };
  auto parsed = Json::parse(text, watch, false);
  if (is_too_deep)
    return fail(Errc::kInvalidRequest,
                "the JSON is nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
  if (parsed.is_discarded()) return fail(Errc::kInvalidRequest, "this is not JSON");
  return parsed;
}

Result<Json> parse_json_object(std::string_view text, std::string_view what) {
  auto parsed = parse_json(text);
  if (!parsed) return pass(parsed, what);
  if (!parsed->is_object())
    return fail(Errc::kInvalidRequest, std::string(what) + " is not a JSON object");
  return parsed;
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xylem::broker
