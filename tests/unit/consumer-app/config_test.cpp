#include "consumer-app/config.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

Result<AppConfig> load(const std::map<std::string, std::string>& environment) {
  return load_config({}, environment);
}

TEST_CASE("config: one topic is enough") {
  const auto config = load({{"CONSUMER_TOPIC", "prices"}});
  REQUIRE(config);
  CHECK(config->stream.topics == std::vector<std::string>{"prices"});
  CHECK(config->stream.brokers == std::vector<network::Address>{{"localhost", 9092}});
  CHECK(config->stream.client_id == "consumer-app");
  CHECK(config->listen.port == 8090);
  CHECK(config->log.segment_bytes_max == 64 * 1024 * 1024);
  CHECK(config->log.flush == storage::Flush::kInterval);
}

TEST_CASE("config: everything can be said") {
  const auto config = load({{"CONSUMER_TYPE", "rules"},
                            {"CONSUMER_TOPIC", "a"},
                            {"CONSUMER_TOPICS", " b,a ,, c"},
                            {"CONSUMER_GROUP", "g"},
                            {"CONSUMER_PORT", "0"},
                            {"CONSUMER_RETRY_POLICY", "SKIP_ON_ERROR"},
                            {"CONSUMER_BROKERS", "one:1,two:2"},
                            {"BROKER_PORT", "3"},
                            {"STORAGE_DATA_DIR", "/d"},
                            {"STORAGE_SEGMENT_SIZE", "1048576"},
                            {"LOG_LEVEL", "warn"},
                            {"LOG_FORMAT", "json"}});
  REQUIRE(config);
  CHECK(config->stream.topics == std::vector<std::string>{"b", "a", "c"});
  CHECK(config->stream.brokers == std::vector<network::Address>{{"one", 1}, {"two", 2}});
  CHECK(config->stream.group == "g");
  CHECK(config->stream.client_id == "rules");
  CHECK(config->stream.retry == network::RetryPolicy::kSkipOnError);
  CHECK(config->listen.port == 0);
  CHECK(config->data_dir == "/d");
  CHECK(config->log.segment_bytes_max == 1'048'576);
  CHECK(config->logger.level == LogLevel::kWarn);
  CHECK(config->logger.format == LogFormat::kJson);
  CHECK(config->logger.node == "rules");
}

TEST_CASE("config: a bad value is refused by name") {
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> bad = {
      {"CONSUMER_TOPIC", {}},
      {"CONSUMER_TOPICS", {{"CONSUMER_TOPICS", "a,a"}}},
      {"CONSUMER_TOPICS", {{"CONSUMER_TOPICS", "a/b"}}},
      {"CONSUMER_BROKERS", {{"CONSUMER_TOPIC", "a"}, {"CONSUMER_BROKERS", "nowhere"}}},
      {"CONSUMER_TYPE", {{"CONSUMER_TOPIC", "a"}, {"CONSUMER_TYPE", "a b"}}},
      {"CONSUMER_RETRY_POLICY", {{"CONSUMER_TOPIC", "a"}, {"CONSUMER_RETRY_POLICY", "NEVER"}}},
      {"CONSUMER_PORT", {{"CONSUMER_TOPIC", "a"}, {"CONSUMER_PORT", "70000"}}},
      {"STORAGE_SEGMENT_SIZE", {{"CONSUMER_TOPIC", "a"}, {"STORAGE_SEGMENT_SIZE", "1"}}}};
  for (const auto& [name, environment] : bad) {
    CAPTURE(name);
    const auto config = load(environment);
    REQUIRE_FALSE(config);
    CHECK(config.error().code() == Errc::kInvalidRequest);
    CHECK(config.error().what().find(name) != std::string::npos);
  }
}

}  // namespace
}  // namespace xylem::consumer_app
