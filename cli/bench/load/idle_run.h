// What consumers cost a broker that get nothing, and one that does not read what it gets.
//
// Threads: the caller's, until it is done.
#pragma once

#include "cli/bench/load/load_batches.h"
#include "cli/bench/load/measured_broker.h"
#include "common/clock.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>

namespace xylem::cli {

struct IdleLoad {
  std::int64_t consumers = 10'000;
  std::size_t stalled_bytes = 1ULL << 30;  // of values, published past one that does not read
};

struct IdleFigures {
  double bytes_per_consumer = 0;    // of the broker's resident memory
  double stalled_growth_bytes = 0;  // of it, while one consumer did not read
  double rate_alone = 0;            // records/s to one that reads
  double rate_stalled = 0;          // beside one that does not
  std::int64_t misplaced = 0;
};

// kUnavailable: a connection was refused or broken.
Result<IdleFigures> run_idle(const MeasuredBroker& broker,
                             const LoadBatches& batches,
                             const IdleLoad& load,
                             const Clock& clock);

}  // namespace xylem::cli
