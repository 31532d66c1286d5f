#include "broker/config.h"

#include "broker/app.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

Result<BrokerOptions> options_of(const std::map<std::string, std::string>& environment) {
  const auto config =
      Config::load("xylem-broker", broker_settings(), std::vector<std::string>{}, environment);
  REQUIRE(config);
  return broker_options(*config);
}

TEST_CASE("broker config: every setting in effect is logged, secrets hidden") {
  TemporaryDirectory directory;
  auto options = options_of({{"NODE_ID", "pos-1"}, {"JOIN_TOKEN", "hunter2"}});
  REQUIRE(options);
  options->log.file = directory.file("log");
  const App app(*std::move(options));
  const auto log = read_text(directory.file("log"));
  for (const auto& setting : broker_settings()) {
    CAPTURE(setting.name);
    CHECK(log.contains("name=" + std::string(setting.name) + " "));
  }
  CHECK(log.contains("event=broker.setting node=pos-1 name=NODE_ID value=pos-1\n"));
  CHECK(log.contains("name=BROKER_PORT value=9092\n"));
  CHECK(log.contains("name=JOIN_TOKEN value=***\n"));
  CHECK_FALSE(log.contains("hunter2"));
}

}  // namespace
}  // namespace xylem::broker
