// The storage of one node: a seam with two implementations, `mmap` (files) and `memory`.
//
//   <data>/logs/<topic>-<topic id>/<partition>/<base offset, 20 digits>.log|.index|.timeindex
//   <data>/logs/<topic>-<topic id>.<generation>/...   where the generation is not 0
//   <data>/meta.db      can be rebuilt from the logs
//   <data>/trash/       deleted and replaced logs, until nothing reads them
//
// Threads: the writer's loop. Errors: kIo, kDiskFull, kCorrupt name the path.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "storage/compaction/compactor.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::storage {

class Disk;

class StorageEngine {
 public:
  virtual ~StorageEngine() = default;

  // Opens the log, creating it when there is none. The same name gives the same object. Recovery
  // runs before it returns.
  virtual Result<std::shared_ptr<PartitionLog>> open(const LogName& name,
                                                     const LogOptions& options) = 0;

  // Every log that exists, opened or not.
  [[nodiscard]] virtual std::vector<LogName> logs() const = 0;

  // Retires a log: readers that hold slices keep them; its files go. After an error it is closed,
  // may still be there, and can be removed again.
  virtual Status remove(const LogId& id) = 0;

  // Gives `name` the newest earlier generation's log of that topic and partition, unless it has one
  // of its own already or there is none. Whoever has the earlier one open is done with it. Durable
  // on return; after an error nothing is lost, and it can be asked for again.
  virtual Status carry_over(const LogName& name) = 0;

  // Closes every log.
  virtual Status close() = 0;
};

// For engines. Of a map by LogId: the newest earlier generation's entry of `id`'s topic and
// partition; end() where there is none, or `id` itself is there.
template <class Map>
auto earlier_generation(Map& logs, const LogId& id) {
  if (logs.contains(id)) return logs.end();
  auto first = logs.lower_bound(LogId{{id.incarnation.topic, 0}, PartitionId(0)});
  auto found = logs.end();
  for (; first != logs.end() && first->first.incarnation.topic == id.incarnation.topic &&
         first->first.incarnation.generation < id.incarnation.generation;
       ++first) {
    if (first->first.partition == id.partition) found = first;
  }
  return found;
}

struct EngineContext {
  Loop& loop;  // the writer's
  Disk& disk;
  const Clock& clock;
  Logger& logger;
  Metrics& metrics;
  CompactionLimits compaction = {};
  bool has_threads = true;  // false: nothing runs but by MmapEngine::run_round; for simulations
  std::int64_t scrub_bytes_per_s = 0;  // how fast sealed segments are read again; 0: not at all
};

// `type` is STORAGE_TYPE: "mmap" or "memory". `data_dir` is created when missing and locked: a
// second process that opens it gets kAlreadyExists.
Result<std::unique_ptr<StorageEngine>> open_storage(std::string_view type,
                                                    const std::string& data_dir,
                                                    const EngineContext& context);

}  // namespace xylem::storage
