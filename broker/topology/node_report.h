// What this node tells the registry at every heartbeat: the body of PUT /api/v1/nodes/{id}.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::broker {

struct ReportedPartition {
  std::string topic;
  LogId log;
  Offset start;
  Offset end;
  Offset high_watermark;
  std::uint64_t age_ms = 0;  // UINT64_MAX: unknown, left out
  std::int64_t bytes = 0;    // of the log on this node's disk
};

// Of a refresh that runs here or has lately ended; offsets are summed over the partitions.
struct ReportedRefresh {
  std::string id;  // 16 hexadecimal digits
  std::string topic;
  std::string state;
  std::int64_t consumers = 0;
  std::int64_t consumers_reset = 0;
  std::int64_t consumers_ready = 0;
  std::int64_t replayed = 0;
  std::int64_t to_replay = 0;  // 0: not known yet
  std::string failure;
};

struct NodeReport {
  NodeId node;
  std::string location;
  std::string role_wish;  // empty: none
  ClusterId cluster;
  std::string version;
  std::string instance;  // random per process: tells two processes with one id apart
  std::string tcp;       // host:port
  std::string http;      // host:port
  std::string pipe;      // http://host:port
  std::uint64_t topology_version = 0;
  std::string health;
  NodeId parent;
  std::uint64_t age_ms = 0;  // of the oldest partition; UINT64_MAX: unknown, left out
  std::string last_error;
  std::int64_t memory_bytes = 0;
  std::int64_t uptime_ms = 0;
  std::vector<ReportedPartition> partitions;
  std::vector<ReportedRefresh> refreshes;
};

std::string to_json(const NodeReport& report);

}  // namespace xylem::broker
