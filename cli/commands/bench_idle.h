// `xylem bench idle`: what consumers cost a broker that get nothing, and one that does not read
// (bench/README.md).
#pragma once

#include "cli/bench/load/idle_run.h"
#include "cli/exit_code.h"

#include <string>

namespace xylem::cli {

struct BenchIdleOptions {
  IdleLoad load;
  std::string programs;                // where brokers are; empty: beside this program
  std::string directory = "/var/tmp";  // where they write
  bool json = false;
};

ExitCode run_bench_idle(const BenchIdleOptions& options);

}  // namespace xylem::cli
