// What a node says about itself, at registration and with every heartbeat: the body of
// PUT /api/v1/nodes/{id}, checked.
//
// Fields that are not known are ignored: a newer node may say more.
// Limits: 4,096 topic partitions, texts of at most 256 characters (`lastError`: cut to 1,024),
// kReportRefreshesMax refreshes (`failure`: cut to kRefreshFailureMax).
// Errors: kInvalidRequest names the field and what it should be.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "registry/refresh/refresh_progress.h"
#include "registry/role.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::registry {

enum class Health : std::uint8_t { kHealthy, kDegraded, kUnhealthy };

[[nodiscard]] std::string_view to_string(Health health) noexcept;

struct NodeAddresses {
  std::string tcp;   // host:port of the listener for clients
  std::string http;  // host:port of the admin listener
  std::string pipe;  // http://host:port; children pull here

  bool operator==(const NodeAddresses&) const = default;
};

inline constexpr std::int64_t kUnknownAge = -1;

struct TopicReport {
  std::string name;
  Incarnation incarnation;
  PartitionId partition;
  Offset start;
  Offset end;
  Offset high_watermark;
  std::int64_t age_ms = kUnknownAge;
};

struct NodeReport {
  Location location;
  std::optional<Role> role_wish;
  ClusterId cluster;  // nil: none yet
  std::string version;
  std::string instance;  // random per process: tells a restart from a second node with the same id
  NodeAddresses addresses;
  std::int64_t topology_version = 0;  // what the node holds
  Health health = Health::kUnhealthy;
  NodeId parent;  // whom it really follows; empty: nobody
  std::int64_t age_ms = kUnknownAge;
  std::string last_error;
  std::vector<TopicReport> topics;
  std::int64_t memory_bytes = 0;
  std::int64_t uptime_ms = 0;
  std::vector<RefreshProgress> refreshes;  // running and lately ended
};

inline constexpr std::size_t kReportTopicsMax = 4'096;

// A version above it is no version: a registry that followed it could not count on.
inline constexpr std::int64_t kTopologyVersionMax = std::int64_t{1} << 52U;

Result<NodeReport> decode_node_report(Bytes json);

}  // namespace xylem::registry
