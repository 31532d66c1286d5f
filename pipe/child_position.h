// The child's half of the handshake: what a log says of itself, and where a divergence cuts it.
//
// Threads: any that may read the log.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "pipe/messages.h"
#include "storage/partition_log.h"

#include <optional>

namespace xylem::pipe {

// kIo, kCorrupt: the log's last batch cannot be read.
Result<FetchPartition> position_of(const LogId& id, const storage::PartitionLog& log);

// Before the batches of `fetched` are stored in `log`: what it must inherit_compaction() first, if
// anything. A copy that begins takes over both bounds of the parent's log: so it can say later on
// which tombstones it never needed, and its own children hear of it. Any other copy that stores
// batches which the parent may have rewritten remembers that; and one that goes on below its
// horizon with a parent whose horizon is lower needs tombstones again from there on.
std::optional<storage::CompactionBounds> inherited(const storage::PartitionLog& log,
                                                   const FetchedPartition& fetched);

// The handshake for what comes after `cursor`, which may lie within the log.
Result<FetchPartition> position_at(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset cursor);

// Where to cut_back() after kDiverged: at or below the answer's offset, below every batch of an
// epoch the parent does not have, and in any case below the last batch, so that each round removes
// at least one.
Result<Offset> cut_point(const storage::PartitionLog& log, const FetchedPartition& diverged);

}  // namespace xylem::pipe
