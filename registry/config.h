// The registry's settings (DESIGN section 12): the only file that knows where they come from.
#pragma once

#include "common/config.h"
#include "common/logger.h"
#include "common/result.h"
#include "network/transport/transport.h"
#include "registry/registry_service.h"

#include <map>
#include <span>
#include <string>

namespace xylem::registry {

struct RegistryConfig {
  network::Address listen;
  std::string store_path;  // of the SQLite file
  RegistryService::Options service;
  Logger::Options log;
  std::vector<std::pair<std::string, std::string>> effective;  // to be logged
};

[[nodiscard]] std::span<const Setting> registry_settings() noexcept;

// kInvalidRequest names the setting; kCancelled: --help, with the text.
Result<RegistryConfig> load_config(std::span<const std::string> args,
                                   const std::map<std::string, std::string>& environment);

}  // namespace xylem::registry
