// What `xylem bench storage` has measured, for machines and for people.
#pragma once

#include "cli/bench/cpu_time.h"
#include "cli/bench/storage/storage_line.h"

#include <string>
#include <vector>

namespace xylem::cli {

struct StorageReport {
  StorageLoad load;
  std::vector<StorageLine> lines;
  Machine machine;
};

[[nodiscard]] std::string storage_json(const StorageReport& report);
[[nodiscard]] std::string storage_text(const StorageReport& report);

}  // namespace xylem::cli
