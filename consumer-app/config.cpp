#include "consumer-app/config.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xylem::consumer_app {
namespace {

using Kind = Setting::Kind;

constexpr std::int64_t kPortMax = 65'535;
constexpr std::int64_t kKibi = 1024;
constexpr std::size_t kTopicsMax = 64;

constexpr std::array kSettings = {
    Setting{
        .name = "CONSUMER_TYPE",
        .fallback = "consumer-app",
        .help = "what this daemon is for (prices, rules, ...): its name in logs and at brokers"},
    Setting{.name = "CONSUMER_TOPIC", .help = "the topic to keep"},
    Setting{.name = "CONSUMER_TOPICS", .help = "several topics, separated by commas"},
    Setting{.name = "CONSUMER_GROUP",
            .help = "group to join; none is needed: the cursors are kept here"},
    Setting{.name = "CONSUMER_HOST", .fallback = "0.0.0.0", .help = "address to answer queries on"},
    Setting{.name = "CONSUMER_PORT",
            .kind = Kind::kNumber,
            .fallback = "8090",
            .help = "port to answer queries on (HTTP); 0: any free one",
            .max = kPortMax},
    Setting{.name = "CONSUMER_RETRY_POLICY",
            .kind = Kind::kChoice,
            .fallback = "EXPONENTIAL_THEN_FIXED",
            .help = "what to do about a batch that cannot be read",
            .choices = "EXPONENTIAL_THEN_FIXED|SKIP_ON_ERROR|PAUSE_ON_ERROR"},
    Setting{.name = "CONSUMER_BROKERS",
            .help = "host:port,... tried in turn; instead of BROKER_HOST and BROKER_PORT"},
    Setting{.name = "BROKER_HOST", .fallback = "localhost", .help = "host of the broker"},
    Setting{.name = "BROKER_PORT",
            .kind = Kind::kNumber,
            .fallback = "9092",
            .help = "port of the broker for clients",
            .min = 1,
            .max = kPortMax},
    Setting{.name = "STORAGE_DATA_DIR",
            .fallback = "consumer-data",
            .help = "everything this daemon keeps"},
    Setting{.name = "STORAGE_SEGMENT_SIZE",
            .kind = Kind::kBytes,
            .fallback = "64MiB",
            .help = "bytes of a log's segment",
            .min = 64 * kKibi,
            .max = kKibi * kKibi * kKibi},
    Setting{.name = "STORAGE_TYPE",
            .kind = Kind::kChoice,
            .fallback = "mmap",
            .help = "where the record log lives",
            .choices = "mmap|memory"},
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

// "a, b" -> a and b; empty items are left out.
std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

Result<std::vector<std::string>> topics_of(const Config& config) {
  auto topics = items_of(config.text("CONSUMER_TOPICS"));
  const auto& one = config.text("CONSUMER_TOPIC");
  if (!one.empty() && std::ranges::find(topics, one) == topics.end())
    topics.insert(topics.begin(), one);
  if (topics.empty())
    return fail(Errc::kInvalidRequest, "CONSUMER_TOPIC is not set; name the topic to keep");
  if (topics.size() > kTopicsMax)
    return fail(Errc::kInvalidRequest, "CONSUMER_TOPICS: more than 64 topics");
  for (const auto& topic : topics) {
    if (auto good = check_topic_name(topic); !good) return pass(good, "CONSUMER_TOPICS");
    if (std::ranges::count(topics, topic) > 1)
      return fail(Errc::kInvalidRequest, "CONSUMER_TOPICS: " + topic + " is there twice");
  }
  return topics;
}

Result<std::vector<network::Address>> brokers_of(const Config& config) {
  std::vector<network::Address> brokers;
  for (const auto& item : items_of(config.text("CONSUMER_BROKERS"))) {
    auto address = network::Address::parse(item);
    if (!address) return pass(address, "CONSUMER_BROKERS");
    brokers.push_back(*address);
  }
  if (brokers.empty()) {
    brokers.push_back({.host = config.text("BROKER_HOST"),
                       .port = static_cast<std::uint16_t>(config.number("BROKER_PORT"))});
  }
  return brokers;
}

}  // namespace

std::span<const Setting> consumer_settings() noexcept { return kSettings; }

Result<AppConfig> load_config(std::span<const std::string> arguments,
                              const std::map<std::string, std::string>& environment) {
  auto loaded = Config::load("xylem-consumer-app", kSettings, arguments, environment);
  if (!loaded) return pass(loaded);
  const auto& type = loaded->text("CONSUMER_TYPE");
  if (auto good = check_node_id(type); !good) return pass(good, "CONSUMER_TYPE");
  auto topics = topics_of(*loaded);
  if (!topics) return pass(topics);
  auto brokers = brokers_of(*loaded);
  if (!brokers) return pass(brokers);
  auto retry = network::retry_policy_of(loaded->text("CONSUMER_RETRY_POLICY"));
  if (!retry) return pass(retry, "CONSUMER_RETRY_POLICY");

  AppConfig config;
  config.stream = {.brokers = std::move(*brokers),
                   .client_id = type,
                   .group = loaded->text("CONSUMER_GROUP"),
                   .topics = std::move(*topics),
                   .retry = *retry};
  config.listen = {.host = loaded->text("CONSUMER_HOST"),
                   .port = static_cast<std::uint16_t>(loaded->number("CONSUMER_PORT"))};
  config.data_dir = loaded->text("STORAGE_DATA_DIR");
  config.storage_type = loaded->text("STORAGE_TYPE");
  config.log.flush = storage::Flush::kInterval;  // the broker still has what a power cut takes
  config.log.segment_bytes_max = static_cast<std::size_t>(loaded->number("STORAGE_SEGMENT_SIZE"));
  config.logger = logger_options(loaded->text("LOG_LEVEL"), loaded->text("LOG_FORMAT"));
  config.logger.node = type;
  config.effective = loaded->effective();
  return config;
}

}  // namespace xylem::consumer_app
