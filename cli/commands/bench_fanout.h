// `xylem bench fanout`: how many deliveries a second one broker makes of the same records to many
// consumers, in turns with a null broker on the same machine (bench/README.md).
#pragma once

#include "cli/exit_code.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::cli {

struct BenchFanoutOptions {
  std::int64_t consumers = 100;
  std::size_t record_bytes = 100;
  std::int64_t seconds = 3;                  // of each run
  std::size_t window_bytes = 256ULL * 1024;  // that not all consumers have yet
  std::string flush = "never";
  std::int64_t pairs = 1;
  bool vs_null = false;
  std::string programs;                // where brokers are; empty: beside this program
  std::string directory = "/var/tmp";  // where they write
  bool json = false;
};

ExitCode run_bench_fanout(const BenchFanoutOptions& options);

}  // namespace xylem::cli
