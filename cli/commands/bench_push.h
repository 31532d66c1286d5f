// `xylem bench push`: how long one broker takes from a record's moment to its consumer, at a fixed
// rate, in turns with a null broker and JetStream on the same machine (bench/README.md).
#pragma once

#include "cli/bench/latency_run.h"
#include "cli/exit_code.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::cli {

struct BenchPushOptions {
  LatencyLoad load{.rate = 10'000, .seconds = 5, .bytes = 100};
  std::string flush = "never";         // of the topic, and of the null broker
  std::vector<std::string> versus;     // "null", "nats"
  std::int64_t pairs = 1;              // runs of each
  std::string programs;                // where brokers are; empty: beside this program
  std::string directory = "/var/tmp";  // where they write
  bool json = false;
};

ExitCode run_bench_push(const BenchPushOptions& options);

}  // namespace xylem::cli
