#include "registry/json_fields.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace xylem::registry {

using nlohmann::json;

namespace {

constexpr int kDepthMax = 16;

}  // namespace

struct JsonFields::State {
  json root;
  std::optional<Error> refusal;

  void refuse(const std::string& path, const std::string& what) {
    if (!refusal) refusal.emplace(Errc::kInvalidRequest, path + ": " + what);
  }
};

const void* JsonFields::find(const char* name) const {
  if (object_ == nullptr) return nullptr;
  const auto& object = *static_cast<const json*>(object_);
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string JsonFields::text(const char* name, std::size_t characters_max) {
  const auto* value = static_cast<const json*>(find(name));
  if (value == nullptr) return {};
  if (!value->is_string()) return refuse(name, "must be a text"), std::string();
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > characters_max) {
    refuse(name, "is longer than " + std::to_string(characters_max) + " characters");
    return {};
  }
  return text;
}

std::int64_t JsonFields::number(const char* name,
                                std::int64_t fallback,
                                std::int64_t min,
                                std::int64_t max) {
  const auto* value = static_cast<const json*>(find(name));
  if (value == nullptr) return fallback;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
  if (!fits || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
    refuse(name, "must be an integer of " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }
  return value->get<std::int64_t>();
}

bool JsonFields::flag(const char* name, bool fallback) {
  const auto* value = static_cast<const json*>(find(name));
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return refuse(name, "must be true or false"), fallback;
  return value->get<bool>();
}

JsonFields JsonFields::object(const char* name) {
  const auto* value = static_cast<const json*>(find(name));
  if (value != nullptr && !value->is_object()) {
    refuse(name, "must be an object");
    value = nullptr;
  }
  return {*state_, value, path_ + name + "."};
}

void JsonFields::each(const char* name,
                      std::size_t count_max,
                      const std::function<void(JsonFields)>& visit) {
  const auto* value = static_cast<const json*>(find(name));
  if (value == nullptr) return;
  if (!value->is_array()) return refuse(name, "must be an array");
  if (value->size() > count_max)
    return refuse(name, "has more than " + std::to_string(count_max) + " elements");
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string path = path_ + name + "[" + std::to_string(i) + "]";
    const auto& element = (*value)[i];
    if (!element.is_object()) return state_->refuse(path, "must be an object");
    visit({*state_, &element, path + "."});
  }
}

void JsonFields::refuse(const char* name, const std::string& what) {
  state_->refuse(path_ + name, what);
}

Result<JsonDocument> JsonDocument::parse(Bytes text) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;  // drops what lies deeper
  };
  auto state = std::make_unique<JsonFields::State>();
  const auto view = text_of(text);
  state->root = json::parse(view.begin(), view.end(), watch_depth, /*allow_exceptions=*/false);
  if (too_deep)
    return fail(Errc::kInvalidRequest,
                "JSON is nested deeper than " + std::to_string(kDepthMax) + " levels");
  if (state->root.is_discarded()) return fail(Errc::kInvalidRequest, "not valid JSON");
  if (!state->root.is_object()) return fail(Errc::kInvalidRequest, "must be a JSON object");
  return JsonDocument(std::move(state));
}

JsonDocument::JsonDocument(std::unique_ptr<JsonFields::State> state) : state_(std::move(state)) {}

JsonDocument::~JsonDocument() = default;

JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;

JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

JsonFields JsonDocument::fields() { return {*state_, &state_->root, ""}; }

Status JsonDocument::status() const {
  const auto& refusal = state_->refusal;
  if (refusal) return std::unexpected(*refusal);
  return {};
}

}  // namespace xylem::registry
