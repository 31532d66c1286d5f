// The number of this broker's next leadership, kept in state.db.
//
// Every start of a leadership, also of the same broker, is a new epoch (DESIGN section 8). The logs
// have a say too: state.db may be lost, or older than they are, and an epoch never names two
// histories.
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "common/logger.h"
#include "common/result.h"
#include "storage/state_store.h"
#include "storage/storage_engine.h"

#include <functional>

namespace xylem::broker {

// Of every log there is, opening them all; kNoEpoch: none has a batch. A log that cannot be opened
// is left out: nothing is appended to it either.
Epoch newest_epoch(storage::StorageEngine& storage, Logger& logger);

// Calls back when the new epoch, above the stored one and above `newest`, is on disk. kCorrupt: the
// stored one cannot be read, or there is no higher one.
void next_leadership(storage::StateStore& state,
                     Epoch newest,
                     std::function<void(Result<Epoch>)> done);

}  // namespace xylem::broker
