#include "common/config/sources.h"

#include <CLI/CLI.hpp>
#include <algorithm>
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
    default:
      return "TEXT";
  }
}

}  // namespace

Result<SettingTexts> read_flags(std::string_view program,
                                std::span<const Setting> settings,
                                std::span<const std::string> args) {
  SettingTexts given;
  CLI::App app{"", std::string(program)};
  const auto take = [&given](std::string_view name, const std::string& flag) {
    return [&given, name = std::string(name), flag](const std::string& text) {
      given[name] = {.text = text, .source = flag};
    };
  };
  app.add_option_function<std::string>("--config", take(kConfigPath, "--config"),
                                       "YAML file with settings [XYLEM_CONFIG]")
      ->type_name("FILE");
  for (const auto& setting : settings) {
    const auto flag = "--" + lower_name(setting.name, '-');
    const auto store = take(setting.name, flag);
    if (setting.kind == Setting::Kind::kFlag) {
      app.add_option_function<std::string>(flag, store, described(setting))
          ->expected(0, 1)
          ->default_str("true")
          ->type_name("[true|false]");
    } else {
      app.add_option_function<std::string>(flag, store, described(setting))
          ->type_name(value_name(setting.kind));
    }
  }
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));  // the library wants them so
  } catch (const CLI::CallForHelp&) {
    return fail(Errc::kCancelled, app.help());
  } catch (const CLI::Error& error) {
    return fail(Errc::kInvalidRequest, error.what(), "--help lists the flags");
  }
  return given;
}

}  // namespace xylem
