// What a parent serves from: the broker's partitions, as the pipe's answering side asks for them.
//
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "pipe/messages.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xylem::pipe {

// What the broker says of one partition it was asked about.
struct SourcePartition {
  std::shared_ptr<storage::PartitionLog> log;  // null: not here, see `leader`
  Offset high_watermark;                       // children read below it
  std::uint64_t age_ms = 0;
  bool is_leader = false;  // only a leader says kDiverged because of an end, and only to replicas
  Epoch epoch = kNoEpoch;
  NodeId leader;
  std::string leader_address;
  Offset compacted_below;    // batches below it were rewritten: their CRCs say nothing
  Offset tombstone_horizon;  // a copy that ends below it may have missed deletions
};

class PipeSource {
 public:
  virtual ~PipeSource() = default;

  // nullopt: no such incarnation.
  [[nodiscard]] virtual std::optional<SourcePartition> find(const LogId& log) const = 0;
  [[nodiscard]] virtual NodeId node() const = 0;
  [[nodiscard]] virtual ClusterId cluster() const = 0;
  [[nodiscard]] virtual std::uint64_t topology_version() const = 0;

  // Whether the cluster's metadata names `node` as replica number `replica` of its root tier: what
  // a request says of itself gives nobody a role.
  [[nodiscard]] virtual bool is_replica(const NodeId& node, std::int32_t replica) const = 0;

  // Where a replica stands, once for each time it says so and its history is found to be ours (the
  // root tier moves its HW on it).
  virtual void on_replica(std::int32_t replica, const FetchPartition& at) = 0;

  // A replica asks: what it said last of all else still holds.
  virtual void on_replica_asks(std::int32_t /*replica*/) {}
};

}  // namespace xylem::pipe
