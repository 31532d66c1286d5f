#include "common/config.h"

#include "common/check.h"
#include "common/config/sources.h"
#include "common/quantity.h"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace xylem {
namespace {

using Kind = Setting::Kind;

bool is_choice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == text) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

std::string expected(const Setting& setting) {
  std::string text;
  switch (setting.kind) {
    case Kind::kText:
      return "a text";
    case Kind::kFlag:
      return "true or false";
    case Kind::kChoice:
      return "one of " + std::string(setting.choices);
    case Kind::kNumber:
      text = "a whole number";
      break;
    case Kind::kBytes:
      text = "a size such as 4096, 64MiB or 1GiB";
      break;
    case Kind::kDuration:
      text = "a duration such as 50ms, 10s, 5m, 2h or 7d";
      break;
  }
  const std::string unit = setting.kind == Kind::kBytes      ? " bytes"
                           : setting.kind == Kind::kDuration ? " ms"
                                                             : "";
  text += ", at least " + std::to_string(setting.min) + unit;
  if (setting.max < INT64_MAX) text += " and at most " + std::to_string(setting.max) + unit;
  return text;
}

Result<std::int64_t> parse_quantity(Kind kind, std::string_view text) {
  if (kind == Kind::kBytes) return parse_bytes(text);
  if (kind == Kind::kDuration) return parse_duration_ms(text);
  return parse_number(text);
}

// The number a value stands for; 0 where the kind has none.
Result<std::int64_t> number_of(const Setting& setting, const SettingText& given) {
  const auto refuse = [&] {
    const auto shown = setting.secret ? std::string("***") : "\"" + given.text + "\"";
    return fail(Errc::kInvalidRequest,
                given.source + ": " + shown + " must be " + expected(setting));
  };
  switch (setting.kind) {
    case Kind::kText:
      return 0;
    case Kind::kFlag:
      if (given.text != "true" && given.text != "false") return refuse();
      return given.text == "true";
    case Kind::kChoice:
      if (!is_choice(given.text, setting.choices)) return refuse();
      return 0;
    default: {
      const auto number = parse_quantity(setting.kind, given.text);
      if (!number || *number < setting.min || *number > setting.max) return refuse();
      return *number;
    }
  }
}

bool is_declared(std::span<const Setting> settings, std::string_view name) {
  return std::ranges::find(settings, name, &Setting::name) != settings.end();
}

// Meant for the `xylem` command, in the environment of whoever starts a daemon by hand.
bool is_the_commands(std::string_view name) {
  return name == "XYLEM_BROKER" || name == "XYLEM_REGISTRY";
}

}  // namespace

std::string lower_name(std::string_view name, char separator) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = separator;
  }
  return out;
}

Result<SettingTexts> read_environment(std::span<const Setting> settings,
                                      const std::map<std::string, std::string>& environment) {
  SettingTexts given;
  for (const auto& [name, text] : environment) {
    if (text.empty()) continue;
    if (name == kConfigPath || is_declared(settings, name)) {
      given[name] = {.text = text, .source = "environment variable " + name};
    } else if (name.starts_with("XYLEM_") && !is_the_commands(name)) {
      return fail(Errc::kInvalidRequest, "environment variable " + name + " is not a setting");
    }
  }
  return given;
}

Result<Config> Config::load(std::string_view program,
                            std::span<const Setting> settings,
                            std::span<const std::string> args,
                            const std::map<std::string, std::string>& environment) {
  auto flags = read_flags(program, settings, args);
  if (!flags) return pass(flags);
  auto variables = read_environment(settings, environment);
  if (!variables) return pass(variables);
  Result<SettingTexts> file = SettingTexts();
  for (const auto* source : {&*flags, &*variables}) {
    const auto path = source->find(kConfigPath);
    if (path == source->end()) continue;
    file = read_yaml(path->second.text, settings);
    if (!file) return pass(file, path->second.source);
    break;
  }

  Config config;
  for (const auto& setting : settings) {
    SettingText given{.text = std::string(setting.fallback), .source = "default"};
    bool is_set = false;
    for (const auto* source : {&*file, &*variables, &*flags}) {
      const auto found = source->find(setting.name);
      if (found == source->end()) continue;
      given = found->second;
      is_set = true;
    }
    const bool is_empty = !is_set && setting.fallback.empty();
    auto number = is_empty ? Result<std::int64_t>(0) : number_of(setting, given);
    XYLEM_CHECK(number || is_set);  // a default is ours
    if (!number) return pass(number);
    config.values_.push_back({&setting, std::move(given.text), *number, is_set});
  }
  return config;
}

const Config::Value& Config::value(std::string_view name) const {
  const auto found = std::ranges::find(
      values_, name, [](const Value& candidate) { return candidate.setting->name; });
  XYLEM_CHECK(found != values_.end());
  return *found;
}

const std::string& Config::text(std::string_view name) const {
  const auto& found = value(name);
  XYLEM_CHECK(found.setting->kind == Kind::kText || found.setting->kind == Kind::kChoice);
  return found.text;
}

std::int64_t Config::number(std::string_view name) const {
  const auto& found = value(name);
  const auto kind = found.setting->kind;
  XYLEM_CHECK(kind == Kind::kNumber || kind == Kind::kBytes || kind == Kind::kDuration);
  return found.number;
}

bool Config::flag(std::string_view name) const {
  const auto& found = value(name);
  XYLEM_CHECK(found.setting->kind == Kind::kFlag);
  return found.number != 0;
}

bool Config::is_set(std::string_view name) const { return value(name).set; }

std::vector<std::pair<std::string, std::string>> Config::effective() const {
  std::vector<std::pair<std::string, std::string>> all;
  all.reserve(values_.size());
  for (const auto& value : values_) {
    const bool is_masked = value.setting->secret && !value.text.empty();
    all.emplace_back(value.setting->name, is_masked ? "***" : value.text);
  }
  return all;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto end = text.find('=');
    if (end != std::string_view::npos) all.emplace(text.substr(0, end), text.substr(end + 1));
  }
  return all;
}

}  // namespace xylem
