// `xylem topic create|list|describe|alter|delete`, over the native protocol; list and describe show
// more where they are asked of a registry (which asks a root).
#pragma once

#include "cli/exit_code.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct TopicOptions {
  enum class Action : std::uint8_t { kCreate, kList, kDescribe, kAlter, kDelete };

  Action action = Action::kList;
  std::vector<network::Address> brokers;
  std::string registry_url;  // list, describe: asked instead of the brokers; empty: brokers
  std::string name;
  std::optional<std::int64_t> partitions;
  std::optional<std::int64_t> replicas;
  std::optional<std::int64_t> min_insync;
  std::optional<std::int64_t> retention_ms;            // -1: for ever
  std::optional<std::int64_t> retention_bytes;         // -1: no limit
  std::optional<std::int64_t> tombstone_retention_ms;  // -1: for ever
  std::optional<std::int64_t> dead_letter_after;       // failed deliveries; 0: never
  std::string cleanup;                                 // delete|compact; empty: not said
  std::string flush;                                   // always|interval|never; empty: not said
  std::string delivery;                                // shared|broadcast; empty: not said
  bool if_not_exists = false;                          // create: one that is there is no failure
  bool all = false;                                    // list: also internal topics
  bool json = false;
};

ExitCode run_topic(const TopicOptions& options);

// What the options say about a topic, as the brokers' JSON.
[[nodiscard]] std::string topic_request(const TopicOptions& options);

}  // namespace xylem::cli
