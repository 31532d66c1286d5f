// One measured run of pushes through one broker: records at a fixed rate, each one's way timed from
// the moment it was due, each counted, checked and found in order at the other end.
//
// Threads: the caller's, until it is done.
#pragma once

#include "cli/bench/latency_run.h"
#include "cli/bench/load/probe_wire.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/result.h"

#include <functional>

namespace xylem::cli {

// The wire is open. `started` is called at the first record's moment, or before. kTimeout: not all
// arrived; kCorrupt: one was changed.
Result<LatencyRun> run_push(ProbeWire& wire,
                            const LatencyLoad& load,
                            const Clock& clock,
                            Random& random,
                            const std::function<void()>& started);

}  // namespace xylem::cli
