// One line of `xylem bench storage`: our storage and its limits measured in turns, A B A B.
//
// A limit is what any storage must do for the same work, by bare system calls (limits.h).
#pragma once

#include "cli/bench/storage/storage_load.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {

// What one run took and did.
struct StorageRun {
  double seconds = 0;
  double cpu_ns = 0;  // user and system
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::int64_t syncs = 0;
  double p50_us = 0;  // 0: not measured
  double p99_us = 0;
};

enum class Compare : std::uint8_t { kBytesPerSecond, kRecordsPerSecond, kP99, kSeconds };

[[nodiscard]] double figure_of(const StorageRun& run, Compare compare);

struct StorageLine {
  struct Limit {
    std::string name;  // of the ratio: the line's own, or with what the limit is behind it
    std::vector<StorageRun> runs;
  };

  std::string name;
  std::string what;    // for people
  std::string target;  // for people; empty: none
  Compare compare = Compare::kBytesPerSecond;
  std::vector<StorageRun> ours;
  std::vector<Limit> limits;
};

using MeasureStorage = std::function<Result<StorageRun>()>;

struct StorageRivals {
  MeasureStorage ours;
  std::vector<std::pair<std::string, MeasureStorage>> limits;  // by the ratio's name
};

// Fills in the runs of `line`.
Status measure_line(std::int64_t pairs, const StorageRivals& rivals, StorageLine& line);

struct StorageBench {
  StorageLoad load;
  std::string directory;  // everything below it is ours
};

using StorageLines = Result<std::vector<StorageLine>>;

StorageLines measure_append(const StorageBench& bench);
StorageLines measure_commit(const StorageBench& bench);
StorageLines measure_read(const StorageBench& bench);
StorageLines measure_lookup(const StorageBench& bench);
StorageLines measure_recovery(const StorageBench& bench);

}  // namespace xylem::cli
