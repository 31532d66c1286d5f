// The number of this broker's next leadership, kept in state.db.
//
// Every start of a leadership, also of the same broker, is a new epoch (DESIGN section 8).
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/state_store.h"

#include <functional>

namespace xylem::broker {

// Calls back when the new epoch is on disk. kCorrupt: the stored one cannot be read.
void next_leadership(storage::StateStore& state, std::function<void(Result<Epoch>)> done);

}  // namespace xylem::broker
