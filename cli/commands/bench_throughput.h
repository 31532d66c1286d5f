// `xylem bench produce` and `xylem bench consume`: how much a broker carries, in turns with a null
// broker, or another one, on the same machine (bench/README.md).
#pragma once

#include "cli/exit_code.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct BenchThroughputOptions {
  bool consumes = false;       // a log that is there already; else what is produced meanwhile
  bool only_produces = false;  // without a consumer beside it
  std::vector<std::size_t> record_bytes;
  std::vector<std::string> flushes;
  std::int64_t records_per_s = 0;  // 0: as fast as it goes
  std::int64_t seconds = 3;        // of each run
  std::size_t bytes = 0;           // of values: of each run instead, or of the log
  std::size_t window_bytes = 0;    // unacknowledged
  std::int64_t pairs = 1;
  std::int64_t copies = 1;                 // that the disk alone writes, with flush=always
  std::string topic;                       // of `broker`, stays; empty: a new one
  std::string versus;                      // "null", "nats"; empty: nothing
  std::optional<network::Address> broker;  // ours, running already; else each run starts one
  std::string programs;                    // where brokers are; empty: beside this program
  std::string directory;                   // where they write
  bool json = false;
};

ExitCode run_bench_throughput(const BenchThroughputOptions& options);

}  // namespace xylem::cli
