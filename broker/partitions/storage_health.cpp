#include "broker/partitions/storage_health.h"

#include "broker/partitions/partition.h"

#include <string>

namespace xylem::broker {

pipe::Health health_of(const Status& log) {
  if (log) return pipe::Health::kHealthy;
  const auto code = log.error().code();
  const bool goes_on = code == Errc::kDiskFull || code == Errc::kCorrupt;
  return goes_on ? pipe::Health::kDegraded : pipe::Health::kUnhealthy;
}

Status owner_ready(const StorageHealth& logs) {
  if (logs.health != pipe::Health::kUnhealthy) return {};
  return fail(Errc::kUnavailable, "a log is fenced: " + logs.status.error().what());
}

StorageHealth storage_health(std::span<Partition* const> partitions) {
  StorageHealth worst;
  for (const auto* partition : partitions) {
    auto status = partition->log()->health();
    const auto health = health_of(status);
    if (health <= worst.health) continue;
    worst.health = health;
    worst.status =
        pass(status, partition->topic() + "/" + std::to_string(partition->id().partition.value()));
  }
  return worst;
}

}  // namespace xylem::broker
