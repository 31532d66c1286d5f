// Where settings come from: each source as the texts it holds, by the settings' names.
#pragma once

#include "common/config.h"
#include "common/result.h"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace xylem {

struct SettingText {
  std::string text;
  std::string source;  // as an error names it: "--node-id", "xylem.yaml: node_id"
};

using SettingTexts = std::map<std::string, SettingText, std::less<>>;

// kCancelled: --help was asked for; what() is the text. --config is XYLEM_CONFIG in the answer.
Result<SettingTexts> read_flags(std::string_view program,
                                std::span<const Setting> settings,
                                std::span<const std::string> args);

Result<SettingTexts> read_yaml(const std::string& path, std::span<const Setting> settings);

Result<SettingTexts> read_environment(std::span<const Setting> settings,
                                      const std::map<std::string, std::string>& environment);

// NODE_ID -> "node_id" or, with '-', "node-id".
std::string lower_name(std::string_view name, char separator);

inline constexpr std::string_view kConfigPath = "XYLEM_CONFIG";

}  // namespace xylem
