// One measured run of a load: as fast as it goes, or at a rate, until a time or a number is reached
// and everything sent has been acknowledged and received.
//
// Threads: the caller's, until it is done.
#pragma once

#include "cli/bench/load/load_wire.h"
#include "common/clock.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace xylem::cli {

struct LoadLimits {
  double seconds = std::numeric_limits<double>::infinity();        // of sending
  std::int64_t units = std::numeric_limits<std::int64_t>::max();   // to send
  std::int64_t units_in_flight = 1;                                // unacknowledged
  double records_per_s = std::numeric_limits<double>::infinity();  // an open loop
  bool consumes = true;
};

struct LoadRun {
  std::int64_t records = 0;  // received; where there is no consumer, acknowledged
  std::int64_t misplaced = 0;
  double elapsed_s = 0;
};

// The wire is open. kTimeout: nothing moves any more.
Result<LoadRun> run_produce(LoadWire& wire, const LoadLimits& limits, const Clock& clock);

// The consumer alone, until it has that many records.
Result<LoadRun> run_consume(LoadWire& wire, std::int64_t records, const Clock& clock);

}  // namespace xylem::cli
