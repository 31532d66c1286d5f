// The settings of a broker (DESIGN section 12): the only file that knows YAML, environment, flags.
#pragma once

#include "broker/cluster/root_peers.h"
#include "broker/topology/topology.h"
#include "common/config.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

struct BrokerOptions {
  NodeId node;
  std::string location;
  std::optional<Role> role_wish;
  std::string registry_url;  // empty: none; then a LOCAL broker is a cluster of its own
  std::string data_dir;
  std::string listen_host;
  std::string advertised_host;
  std::uint16_t broker_port = 0;
  std::uint16_t http_port = 0;
  std::uint16_t pipe_port = 0;
  std::uint16_t raft_port = 0;
  std::vector<RootPeer> root_peers;  // by number; empty: a root is alone
  std::string storage_type;
  std::optional<std::size_t> segment_bytes;  // none: 1 GiB at the root, 64 MiB below
  storage::Flush pulled_flush = storage::Flush::kInterval;
  std::int64_t scrub_bytes_per_s = 0;
  std::uint32_t pipe_bytes_max = 0;
  std::uint32_t pipe_wait_ms = 0;
  std::int64_t move_bytes_per_s = 0;
  bool auto_create_topics = false;
  Logger::Options log;
  std::vector<std::pair<std::string, std::string>> effective;  // to be logged

  // What this broker is before a registry has said anything.
  [[nodiscard]] Role role_before_registry() const;
};

[[nodiscard]] std::span<const Setting> broker_settings();

// kCancelled carries the help text.
Result<BrokerOptions> broker_options(const Config& config);

}  // namespace xylem::broker
