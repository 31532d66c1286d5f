#include "common/config/sources.h"

#include <algorithm>
#include <yaml-cpp/yaml.h>

namespace xylem {
namespace {

const Setting* find(std::span<const Setting> settings, std::string_view key) {
  const auto found = std::ranges::find(
      settings, key, [](const Setting& setting) { return lower_name(setting.name, '_'); });
  return found == settings.end() ? nullptr : &*found;
}

// A scalar, or a list of them joined by commas.
Result<std::string> text_of_node(const YAML::Node& node, const std::string& where) {
  if (node.IsScalar()) return node.Scalar();
  const bool is_list =
      node.IsSequence() &&
      std::all_of(node.begin(), node.end(), [](const YAML::Node& item) { return item.IsScalar(); });
  if (!is_list) return fail(Errc::kInvalidRequest, where + " must be a value or a list of values");
  std::string joined;
  for (const auto& item : node) joined.append(joined.empty() ? "" : ",").append(item.Scalar());
  return joined;
}

Result<SettingTexts> texts_of(const YAML::Node& root,
                              const std::string& path,
                              std::span<const Setting> settings) {
  SettingTexts given;
  if (root.IsNull()) return given;  // an empty file
  if (!root.IsMap()) return fail(Errc::kInvalidRequest, path + " must hold \"key: value\" lines");
  for (const auto& entry : root) {
    auto key = text_of_node(entry.first, path + ": a key");
    if (!key) return pass(key);
    const auto where = path + ": " + *key;
    const auto* setting = find(settings, *key);
    if (setting == nullptr) return fail(Errc::kInvalidRequest, where + " is not a setting");
    auto text = text_of_node(entry.second, where);
    if (!text) return pass(text);
    const auto [_, is_new] = given.try_emplace(std::string(setting->name), *text, where);
    if (!is_new) return fail(Errc::kInvalidRequest, where + " is there twice");
  }
  return given;
}

}  // namespace

Result<SettingTexts> read_yaml(const std::string& path, std::span<const Setting> settings) {
  try {
    return texts_of(YAML::LoadFile(path), path, settings);
  } catch (const YAML::BadFile&) {
    return fail(Errc::kInvalidRequest, path + " cannot be read");
  } catch (const YAML::Exception& error) {
    return fail(Errc::kInvalidRequest, path + ": " + error.what());
  }
}

}  // namespace xylem
