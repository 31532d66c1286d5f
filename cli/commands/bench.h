// `xylem bench latency`: how long a record takes from the root's producer to a leaf's consumer, in
// turns with the null relay on the same machine (bench/README.md).
#pragma once

#include "cli/bench/latency_run.h"
#include "cli/bench/route.h"
#include "cli/exit_code.h"

#include <cstdint>
#include <string>

namespace xylem::cli {

struct BenchLatencyOptions {
  BrokerRouteOptions route;
  LatencyLoad load;
  std::int64_t pairs = 1;
  bool vs_null = false;
  std::string null_program;                 // empty: the one beside this program
  std::string null_directory = "/var/tmp";  // where it writes
  std::string tree_directory;               // of an `xylem up`; empty: `route` says where
  bool json = false;
};

ExitCode run_bench_latency(const BenchLatencyOptions& options);

}  // namespace xylem::cli
