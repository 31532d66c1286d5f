// `xylem bench storage`: what our storage makes of this machine's disk and CPU, in turns with the
// bare system calls (bench/README.md).
#pragma once

#include "cli/bench/storage/storage_load.h"
#include "cli/exit_code.h"

#include <string>
#include <vector>

namespace xylem::cli {

struct BenchStorageOptions {
  StorageLoad load;
  std::string directory = "/var/tmp";  // where it makes its own
  std::vector<std::string> only;       // of storage_parts(); none: all
  bool json = false;
};

[[nodiscard]] std::vector<std::string> storage_parts();

ExitCode run_bench_storage(const BenchStorageOptions& options);

}  // namespace xylem::cli
