#include "cli/json_document.h"

#include "common/text_encoding.h"

#include <cstddef>

namespace xylem::cli {

using Json = nlohmann::json;

Result<Json> parse_document(const std::string& text) {
  auto document = Json::parse(text, nullptr, false);
  if (!document.is_object()) return fail(Errc::kCorrupt, "the answer is not a JSON object");
  return document;
}

namespace {

std::string shown(const Json& value) {
  constexpr std::size_t kShownMax = 1'000;
  std::string text;
  append_readable(value.get_ref<const std::string&>(), kShownMax, text);
  return text;
}

}  // namespace

std::string text_at(const Json& object, const char* field) {
  if (!object.is_object() || !object.contains(field) || !object[field].is_string()) return {};
  return shown(object[field]);
}

std::int64_t integer_at(const Json& object, const char* field, std::int64_t otherwise) {
  if (!object.is_object() || !object.contains(field) || !object[field].is_number_integer())
    return otherwise;
  return object[field].get<std::int64_t>();
}

bool flag_at(const Json& object, const char* field) {
  return object.is_object() && object.contains(field) && object[field].is_boolean() &&
         object[field].get<bool>();
}

Json list_at(const Json& object, const char* field) {
  if (!object.is_object() || !object.contains(field) || !object[field].is_array())
    return Json::array();
  return object[field];
}

std::vector<std::string> texts_at(const Json& object, const char* field) {
  std::vector<std::string> texts;
  for (const auto& text : list_at(object, field)) {
    if (text.is_string()) texts.push_back(shown(text));
  }
  return texts;
}

}  // namespace xylem::cli
