// The child's half of the handshake: what a log says of itself, and where a divergence cuts it.
//
// Threads: any that may read the log.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "pipe/messages.h"
#include "storage/partition_log.h"

namespace xylem::pipe {

// kIo, kCorrupt: the log's last batch cannot be read.
Result<FetchPartition> position_of(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset compacted_below = {});

// The handshake for what comes after `cursor`, which may lie within the log.
Result<FetchPartition> position_at(const LogId& id,
                                   const storage::PartitionLog& log,
                                   Offset cursor,
                                   Offset compacted_below = {});

// Where to cut_back() after kDiverged: at or below the answer's offset, below every batch of an
// epoch the parent does not have, and in any case below the last batch, so that each round removes
// at least one.
Result<Offset> cut_point(const storage::PartitionLog& log, const FetchedPartition& diverged);

}  // namespace xylem::pipe
