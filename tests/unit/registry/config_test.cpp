#include "registry/config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::registry {
namespace {

using Args = std::vector<std::string>;

TEST_CASE("registry config: defaults are those of the documentation") {
  const auto config = load_config(Args{}, {});
  REQUIRE(config);
  CHECK(config->listen.text() == "0.0.0.0:8080");
  CHECK(config->store_path == "registry.db");
  CHECK(config->service.heartbeat_ms == 2'000);
  CHECK_FALSE(config->service.insecure);
}

TEST_CASE("registry config: flags win over the environment") {
  const auto config =
      load_config(Args{"--registry-port", "0", "--insecure", "--log-format", "json"},
                  {{"REGISTRY_PORT", "1"}, {"REGISTRY_STORE", "sqlite:/x/y.db"}});
  REQUIRE(config);
  CHECK(config->listen.port == 0);
  CHECK(config->store_path == "/x/y.db");
  CHECK(config->service.insecure);
  CHECK(config->log.format == LogFormat::kJson);
}

TEST_CASE("registry config: a bad value names its setting") {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"REGISTRY_PORT", "65536"},
                                                        {"REGISTRY_STORE", "etcd:http://h"},
                                                        {"REGISTRY_STORE", "sqlite:"},
                                                        {"HEARTBEAT_MS", "1"},
                                                        {"LOG_LEVEL", "loud"}}) {
    CAPTURE(name);
    const auto config = load_config(Args{}, {{name, value}});
    REQUIRE_FALSE(config);
    CHECK(config.error().code() == Errc::kInvalidRequest);
    CHECK(config.error().what().find(name) != std::string::npos);
  }
}

}  // namespace
}  // namespace xylem::registry
