#include "registry/config.h"

#include <array>
#include <string_view>
#include <utility>

namespace xylem::registry {
namespace {

using Kind = Setting::Kind;

constexpr std::array kSettings{
    Setting{.name = "REGISTRY_HOST", .fallback = "0.0.0.0", .help = "address to listen at"},
    Setting{.name = "REGISTRY_PORT",
            .kind = Kind::kNumber,
            .fallback = "8080",
            .help = "port to listen at; 0: any free one",
            .min = 0,
            .max = 65'535},
    Setting{.name = "REGISTRY_STORE",
            .fallback = "sqlite:registry.db",
            .help = "where nodes are kept: sqlite:PATH"},
    Setting{.name = "HEARTBEAT_MS",
            .kind = Kind::kNumber,
            .fallback = "2000",
            .help = "milliseconds between the heartbeats of a node",
            .min = 50,
            .max = 60'000},
    Setting{.name = "INSECURE",
            .kind = Kind::kFlag,
            .fallback = "false",
            .help = "let every node choose its role and location"},
    Setting{.name = "LOG_LEVEL",
            .kind = Kind::kChoice,
            .fallback = "info",
            .help = "least important event to log",
            .choices = "debug|info|warn|error"},
    Setting{.name = "LOG_FORMAT",
            .kind = Kind::kChoice,
            .fallback = "text",
            .help = "a line of key=value, or of JSON",
            .choices = "text|json"},
};

constexpr std::string_view kSqliteScheme = "sqlite:";

}  // namespace

std::span<const Setting> registry_settings() noexcept { return kSettings; }

Result<RegistryConfig> load_config(std::span<const std::string> args,
                                   const std::map<std::string, std::string>& environment) {
  auto loaded = Config::load("xylem-registry", kSettings, args, environment);
  if (!loaded) return pass(loaded);
  const std::string_view store = loaded->text("REGISTRY_STORE");
  if (!store.starts_with(kSqliteScheme) || store.size() == kSqliteScheme.size())
    return fail(Errc::kInvalidRequest,
                "REGISTRY_STORE: \"" + std::string(store) + "\" is not sqlite:PATH");
  RegistryConfig config;
  config.listen = {.host = loaded->text("REGISTRY_HOST"),
                   .port = static_cast<std::uint16_t>(loaded->number("REGISTRY_PORT"))};
  config.store_path = store.substr(kSqliteScheme.size());
  config.service = {.heartbeat_ms = loaded->number("HEARTBEAT_MS"),
                    .insecure = loaded->flag("INSECURE")};
  auto level = log_level_of(loaded->text("LOG_LEVEL"));
  if (!level) return pass(level);
  config.log.level = *level;
  auto format = log_format_of(loaded->text("LOG_FORMAT"));
  if (!format) return pass(format);
  config.log.format = *format;
  config.log.node = "registry";
  config.effective = loaded->effective();
  return config;
}

}  // namespace xylem::registry
