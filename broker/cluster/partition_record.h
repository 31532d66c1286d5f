// What the metadata quorum has decided of one partition (DESIGN section 8).
#pragma once

#include "common/ids.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace xylem::broker {

using ReplicaId = Strong<struct ReplicaTag, std::int32_t>;  // a root broker's number

inline constexpr ReplicaId kNoReplica{-1};

// Sorted, each once.
using ReplicaSet = std::vector<ReplicaId>;

[[nodiscard]] inline bool is_member(ReplicaId id, const ReplicaSet& set) {
  return std::ranges::binary_search(set, id);
}

struct PartitionRecord {
  ReplicaSet replicas;
  // Of the replicas. Empty: nobody is known to have all that was committed; nobody leads until an
  // operator says who.
  ReplicaSet in_sync;
  ReplicaId leader = kNoReplica;     // of in_sync; kNoReplica: none of them is alive
  ReplicaId preferred = kNoReplica;  // who leads when all is well
  Epoch epoch = kNoEpoch;            // of the leadership, also of the same broker's next one
  std::uint64_t version = 0;         // grows with every decision about this partition
  std::uint16_t min_insync = 2;      // the topic's
  // While replicas move: where to, the preferred leader first; else empty. `replicas` are the old
  // and the new ones until these are in sync.
  std::vector<ReplicaId> moving_to;

  bool operator==(const PartitionRecord&) const = default;
};

}  // namespace xylem::broker
