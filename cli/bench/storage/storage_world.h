// One data directory's storage engine on a loop that the measurement turns itself.
//
// Threads: the one that made it (and, inside, the committer).
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xylem::cli {

class StorageWorld {
 public:
  static Result<std::unique_ptr<StorageWorld>> open(const std::string& directory);

  StorageWorld(const StorageWorld&) = delete;
  StorageWorld& operator=(const StorageWorld&) = delete;

  ~StorageWorld() { engine_.reset(); }

  Result<std::shared_ptr<storage::PartitionLog>> log(const storage::LogOptions& options,
                                                     std::int32_t partition = 0);

  // Turns the loop until stop(), which may come from a listener; the answer is what it was given.
  Status run();
  void stop(Status status);

  void post(Loop::Task task);  // for the loop's next turn

  [[nodiscard]] std::int64_t syncs();

  Status close() { return engine_->close(); }

 private:
  StorageWorld() = default;

  storage::PosixDisk disk_;
  SystemClock clock_;
  Metrics metrics_;
  Loop loop_;
  Status status_;
  std::unique_ptr<storage::StorageEngine> engine_;
};

// Appends `batches` batches of a set, with no more than kOutstandingMax bytes on their way, and
// waits until all are written.
class BatchSet;

inline constexpr std::size_t kOutstandingMax = 4UL * 1024 * 1024;

// What every batch costs its owner beside the append: its CRC and counts are checked.
Status append_all(StorageWorld& world,
                  storage::PartitionLog& log,
                  const BatchSet& set,
                  std::int64_t batches);

}  // namespace xylem::cli
