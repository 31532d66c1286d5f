// One measured run of a fan-out: one producer, many subscriptions, each on a connection of its own;
// as fast as the slowest of them takes it.
//
// Threads: the caller's, until it is done.
#pragma once

#include "cli/bench/load/load_batches.h"
#include "cli/bench/load/load_run.h"
#include "cli/bench/load/load_wire.h"
#include "common/clock.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstdint>

namespace xylem::cli {

struct FanoutLoad {
  std::int64_t consumers = 100;
  double seconds = 3;                // of sending
  std::int64_t units_in_flight = 1;  // batches that not all have received
};

// Makes the topic and connects. `records` of the answer are deliveries: each record once for each
// consumer. kTimeout: nothing moves any more.
Result<LoadRun> run_fanout(const network::Address& broker,
                           const LoadTopic& topic,
                           const LoadBatches& batches,
                           const FanoutLoad& load,
                           const Clock& clock);

}  // namespace xylem::cli
