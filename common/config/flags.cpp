#include "common/config/sources.h"

#include <CLI/CLI.hpp>
#include <map>
#include <vector>

namespace xylem {
namespace {

std::string described(const Setting& setting) {
  std::string text(setting.help);
  text.append(" [").append(setting.name);
  if (!setting.choices.empty()) text.append("; ").append(setting.choices);
  if (!setting.fallback.empty()) text.append("; default ").append(setting.fallback);
  return text + "]";
}

std::string value_name(Setting::Kind kind) {
  switch (kind) {
    case Setting::Kind::kNumber:
      return "NUMBER";
    case Setting::Kind::kBytes:
      return "BYTES";
    case Setting::Kind::kDuration:
      return "DURATION";
    case Setting::Kind::kFlag:
      return "[true|false]";
    default:
      return "TEXT";
  }
}

}  // namespace

Result<SettingTexts> read_flags(std::string_view program,
                                std::span<const Setting> settings,
                                std::span<const std::string> args) {
  CLI::App app{"", std::string(program)};
  std::map<std::string_view, const CLI::Option*> options;  // by the settings' names
  options[kConfigPath] = app.add_option("--config")
                             ->description("YAML file with settings [XYLEM_CONFIG]")
                             ->type_name("FILE");
  for (const auto& setting : settings) {
    auto* option = app.add_option("--" + lower_name(setting.name, '-'));
    option->description(described(setting))->type_name(value_name(setting.kind));
    if (setting.kind == Setting::Kind::kFlag) option->expected(0, 1);
    options[setting.name] = option;
  }
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));  // the library wants them so
  } catch (const CLI::CallForHelp&) {
    return fail(Errc::kCancelled, app.help());
  } catch (const CLI::Error& error) {
    return fail(Errc::kInvalidRequest, error.what(), "--help lists the flags");
  }
  SettingTexts given;
  for (const auto& [name, option] : options) {
    if (option->count() == 0) continue;
    const auto& results = option->results();
    const auto flag = "--" + option->get_lnames().front();
    if (results.size() != 1) return fail(Errc::kInvalidRequest, flag + " is there twice");
    // A flag alone is true: the library gives "" for a value that is not there.
    const bool is_alone = results.front().empty() && option->get_expected_min() == 0;
    given[std::string(name)] = {.text = is_alone ? "true" : results.front(), .source = flag};
  }
  return given;
}

}  // namespace xylem
