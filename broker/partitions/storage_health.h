// How well this node's logs take appends, in the words of a node's health.
//
//   HEALTHY    all of them do
//   DEGRADED   a disk is full: appends fail, and go on by themselves once there is room; or a log
//              has lost offsets, and serves the rest
//   UNHEALTHY  a log is fenced: it takes no appends before the broker is started again
//
// Threads: the loop's.
#pragma once

#include "common/result.h"
#include "pipe/health.h"

#include <span>

namespace xylem::broker {

class Partition;

struct StorageHealth {
  pipe::Health health = pipe::Health::kHealthy;
  Status status;  // the error of the worst log, with its topic and partition
};

// Of one log: PartitionLog::health().
[[nodiscard]] pipe::Health health_of(const Status& log);

// Whether an owner with these logs is able to serve: all take appends, or will again by themselves.
// kUnavailable: one is fenced.
[[nodiscard]] Status owner_ready(const StorageHealth& logs);

// The worst of all.
[[nodiscard]] StorageHealth storage_health(std::span<Partition* const> partitions);

}  // namespace xylem::broker
