#include "storage/storage_metrics.h"

namespace xylem::storage {

StorageMetrics::StorageMetrics(Metrics& metrics)
    : corrupt_batches(metrics.counter("xylem_storage_corrupt_batches_total",
                                      "Runs of bytes in segments that failed their check.")),
      torn_tails(metrics.counter("xylem_storage_torn_tails_total",
                                 "Unfinished writes cut off at a start after an unclean stop.")),
      quarantined_segments(metrics.counter("xylem_storage_quarantined_segments_total",
                                           "Segments set aside because of corrupt bytes.")),
      lost_offsets(
          metrics.counter("xylem_storage_lost_offsets_total",
                          "Offsets found missing because of corrupt bytes, also at a start.")),
      filled_offsets(
          metrics.counter("xylem_storage_filled_offsets_total",
                          "Lost offsets that came back, or were proven to hold nothing.")),
      filled_bytes(metrics.counter("xylem_storage_filled_bytes_total",
                                   "Bytes of batches that were lost and came back.")),
      scrubbed_bytes(metrics.counter("xylem_storage_scrubbed_bytes_total",
                                     "Bytes of sealed segments read again to find damage.")),
      scrub_passes(metrics.counter("xylem_storage_scrub_passes_total",
                                   "Times that all sealed segments were read again.")),
      scrub_findings(metrics.counter("xylem_storage_scrub_findings_total",
                                     "Segments and index files that scrubbing found wrong.")),
      scrubbed_at_s(metrics.gauge("xylem_storage_scrub_completed_timestamp_seconds",
                                  "When the last whole pass of scrubbing ended; 0: never.")),
      fenced_logs(metrics.counter("xylem_storage_fenced_logs_total",
                                  "Logs closed for writing by a failed write or sync.")),
      disk_full(metrics.counter("xylem_storage_disk_full_total",
                                "Times that an allocation found the disk full.")),
      rounds(metrics.counter("xylem_storage_commit_rounds_total",
                             "Rounds of the committer that wrote or synced something.")),
      syncs(metrics.counter("xylem_storage_syncs_total", "Syncs of segments.")),
      sync_s(metrics.histogram("xylem_storage_sync_seconds",
                               "How long the disk took to sync what a log had written.",
                               {0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1})),
      written_bytes(metrics.counter("xylem_storage_written_bytes_total",
                                    "Bytes of batches written to segments.")),
      dropped_segments(metrics.counter("xylem_storage_dropped_segments_total",
                                       "Segments removed by retention or on request.")),
      compaction_runs(metrics.counter("xylem_storage_compaction_runs_total",
                                      "Compactions of a log that went to their end.")),
      compaction_read_bytes(metrics.counter("xylem_storage_compaction_read_bytes_total",
                                            "Bytes of segments read by compaction.")),
      compaction_written_bytes(metrics.counter("xylem_storage_compaction_written_bytes_total",
                                               "Bytes of segments written by compaction.")),
      compaction_removed_records(metrics.counter("xylem_storage_compaction_removed_records_total",
                                                 "Records that compaction removed.")) {}

}  // namespace xylem::storage
