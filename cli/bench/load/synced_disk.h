// What the disk alone gives: the same batches written and synced, a window at a time, by nobody but
// one thread.
#pragma once

#include "cli/bench/load/load_batches.h"
#include "common/clock.h"
#include "common/result.h"

#include <cstddef>
#include <string>

namespace xylem::cli {

// Bytes of values a second. `directory` is on the disk; the file is gone afterwards.
Result<double> measure_synced_disk(const LoadBatches& batches,
                                   std::size_t window_bytes,
                                   double seconds,
                                   const std::string& directory);

}  // namespace xylem::cli
