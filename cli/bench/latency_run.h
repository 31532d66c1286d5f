// One measured run: records at a fixed rate into a route, each one's way timed from the moment it
// was meant to be sent, each counted, checked and found in order at the other end.
#pragma once

#include "cli/bench/histogram.h"
#include "cli/bench/route.h"
#include "cli/client_runtime.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace xylem::cli {

struct LatencyLoad {
  std::int64_t rate = 1'000;  // records per second
  std::int64_t seconds = 5;
  std::size_t bytes = 200;  // of a record's value
};

struct LatencyRun {
  Histogram latency_us;
  std::int64_t sent = 0;
  std::int64_t received = 0;
  std::int64_t misplaced = 0;  // lost, doubled, or out of order
  double elapsed_s = 0;        // from the first record's moment to the last one's arrival
};

// Runs the loop until all has arrived. kTimeout: not all did; kCorrupt: one was changed; else what
// the route failed with. `started` is called at the first record's moment, or before.
Result<LatencyRun> run_latency(ClientRuntime& runtime,
                               std::unique_ptr<Route> route,
                               const LatencyLoad& load,
                               const std::function<void()>& started);

}  // namespace xylem::cli
