#include "cli/commands/topic.h"

#include "cli/admin_http.h"
#include "cli/broker_admin.h"
#include "cli/client_runtime.h"
#include "cli/commands/topic_tables.h"
#include "cli/output.h"
#include "cli/topic_lookup.h"
#include "common/url.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Action = TopicOptions::Action;

ExitCode change(const TopicOptions& options, const std::string& command, const std::string& done) {
  ClientRuntime runtime;
  const auto answer = ask_broker(runtime, options.brokers, command, topic_request(options));
  if (!answer) {
    const bool is_there = answer.error().code() == Errc::kAlreadyExists;
    if (!is_there || !options.if_not_exists) return report(answer.error());
  }
  if (options.json) return finish_with((answer && !answer->empty() ? *answer : "{}") + "\n");
  return finish_with("topic " + options.name + " " + (answer ? done : "is there already") + "\n");
}

ExitCode show_from_registry(const TopicOptions& options) {
  const bool is_list = options.action == Action::kList;
  const std::string target =
      "/api/v1/topics" + (is_list ? std::string() : "/" + percent_encode(options.name));
  const auto answer = http_get(options.registry_url, target);
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = is_list ? topics_text(*answer, options.all) : topic_text(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

ExitCode show_from_brokers(const TopicOptions& options) {
  ClientRuntime runtime;
  network::MetadataAnswer metadata;
  if (options.action == Action::kDescribe) {
    auto topic = find_topic(runtime, options.brokers, options.name);
    if (!topic) return report(topic.error());
    metadata.topics.push_back(std::move(*topic));
  } else {
    auto answer = ask_metadata(runtime, options.brokers, {});
    if (!answer) return report(answer.error());
    metadata = std::move(*answer);
    std::ranges::sort(metadata.topics, {}, &network::TopicMetadata::name);
    if (!options.all) {
      std::erase_if(metadata.topics,
                    [](const auto& topic) { return topic.name.starts_with("__"); });
    }
  }
  if (options.json) return finish_with(metadata_json(metadata));
  return finish_with(options.action == Action::kList ? metadata_list(metadata)
                                                     : metadata_detail(metadata.topics.front()));
}

}  // namespace

std::string topic_request(const TopicOptions& options) {
  Json json{{"name", options.name}};
  if (options.partitions) json["partitions"] = *options.partitions;
  if (options.replicas) json["replicas"] = *options.replicas;
  if (options.min_insync) json["minInsync"] = *options.min_insync;
  if (options.retention_ms) json["retentionMs"] = *options.retention_ms;
  if (options.retention_bytes) json["retentionBytes"] = *options.retention_bytes;
  if (options.tombstone_retention_ms)
    json["tombstoneRetentionMs"] = *options.tombstone_retention_ms;
  if (options.dead_letter_after) json["deadLetterAfter"] = *options.dead_letter_after;
  if (!options.cleanup.empty()) json["cleanup"] = options.cleanup;
  if (!options.flush.empty()) json["flush"] = options.flush;
  if (!options.delivery.empty()) json["delivery"] = options.delivery;
  return json.dump();
}

ExitCode run_topic(const TopicOptions& options) {
  switch (options.action) {
    case Action::kCreate:
      return change(options, "topic.create", "created");
    case Action::kAlter:
      return change(options, "topic.alter", "altered");
    case Action::kDelete:
      return change(options, "topic.delete", "deleted");
    case Action::kList:
    case Action::kDescribe:
      return options.registry_url.empty() ? show_from_brokers(options)
                                          : show_from_registry(options);
  }
  return ExitCode::kUsage;
}

}  // namespace xylem::cli
