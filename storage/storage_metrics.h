// What a storage engine counts, whatever its logs are called.
#pragma once

#include "common/metrics.h"

namespace xylem::storage {

struct StorageMetrics {
  explicit StorageMetrics(Metrics& metrics);

  Counter& corrupt_batches;
  Counter& torn_tails;
  Counter& quarantined_segments;
  Counter& lost_offsets;
  Counter& filled_offsets;
  Counter& filled_bytes;
  Counter& scrubbed_bytes;
  Counter& scrub_passes;
  Counter& scrub_findings;
  Gauge& scrubbed_at_s;
  Counter& fenced_logs;
  Counter& disk_full;
  Counter& rounds;
  Counter& syncs;
  Histogram& sync_s;
  Counter& written_bytes;
  Counter& dropped_segments;
  Counter& compaction_runs;
  Counter& compaction_read_bytes;
  Counter& compaction_written_bytes;
  Counter& compaction_removed_records;
};

}  // namespace xylem::storage
