// The settings of a consumer-app (DESIGN section 10): the only file that knows where they come
// from.
#pragma once

#include "common/config.h"
#include "common/logger.h"
#include "common/result.h"
#include "consumer-app/stream.h"
#include "network/transport/transport.h"
#include "storage/partition_log.h"

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace xylem::consumer_app {

struct AppConfig {
  Stream::Options stream;
  network::Address listen;
  std::string data_dir;
  std::string storage_type;
  storage::LogOptions log;
  Logger::Options logger;
  std::vector<std::pair<std::string, std::string>> effective;  // to be logged
};

[[nodiscard]] std::span<const Setting> consumer_settings() noexcept;

// kInvalidRequest names the setting; kCancelled: --help, with the text.
Result<AppConfig> load_config(std::span<const std::string> arguments,
                              const std::map<std::string, std::string>& environment);

}  // namespace xylem::consumer_app
