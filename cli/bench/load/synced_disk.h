// What the disk alone gives: the same batches written and synced, a window at a time, by nobody but
// one thread a copy.
#pragma once

#include "cli/bench/load/load_batches.h"
#include "common/clock.h"
#include "common/result.h"

#include <cstddef>
#include <string>

namespace xylem::cli {

struct SyncedDisk {
  std::size_t window_bytes = 0;
  double seconds = 0;
  std::string directory;    // on the disk; the files are gone afterwards
  std::int64_t copies = 1;  // of everything, each in a file of its own
};

// Bytes of values a second, of the slowest copy.
Result<double> measure_synced_disk(const LoadBatches& batches, const SyncedDisk& disk);

}  // namespace xylem::cli
