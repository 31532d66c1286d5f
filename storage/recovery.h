// Finds out what a log holds when it is opened. Segment files are the truth.
//
// Sealed segments are taken from the facts in their index files, or walked where those are missing
// or wrong. The last segment is walked from where its index file ends (a clean stop writes one for
// it too). What is wrong there decides what happens:
//
//   bad batch at or above the synced bound   a torn tail: cut off and counted
//   bad batch below it, or in a sealed one   corruption: the file is set aside as
//                                            <base>.log.quarantined, its good batches are copied
//                                            to new files, the rest is lost
//   the end is below the bound               the same: what was synced is gone
//   a whole batch with an offset or epoch    the same: a torn write leaves that only where a sector
//   below the one before it                  ends in the header
//
// A copy has one file per run of good batches, so that files that do not join say what was lost,
// now and after every later start (lost_ranges in log_view.h).
//
// Threads: the writer's loop; salvage_segment and discard: any. Errors: kIo, kDiskFull.
#pragma once

#include "common/logger.h"
#include "common/result.h"
#include "storage/disk.h"
#include "storage/log_paths.h"
#include "storage/partition_log.h"
#include "storage/segment/segment.h"
#include "storage/storage_metrics.h"
#include "storage/synced_file.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

struct RecoveredLog {
  SegmentList segments;
  Offset end;
  std::vector<EpochStart> epochs;
};

struct RecoveryContext {
  Disk& disk;
  Logger& logger;
  const StorageMetrics& metrics;
  std::string directory;
  std::int64_t now_ms = 0;  // wall clock: the append time of segments whose index file is gone
};

Result<RecoveredLog> recover_log(const RecoveryContext& context, const SyncedBound& bound);

// What the index file says of a segment of `file_bytes`; nullopt: nothing to rely on. An error that
// says nothing about the file is passed on: the next start may read it.
Result<std::optional<SegmentFacts>> stored_facts(Disk& disk,
                                                 const Segment& names,
                                                 std::int64_t file_bytes);

// A damaged segment, and where its range of offsets ends.
struct DamagedRange {
  Offset base;
  Offset end_min;
  Offset end_max;
};

// The good batches of a damaged segment, in files beside it; synced.
struct SalvagedSegment {
  SegmentList parts;  // as they are once in place: the first at its base, one after each lost range
  std::string suffix;
  std::uint64_t lost_ranges = 0;
  std::int64_t lost_offsets = 0;
};

struct SalvageOptions {
  std::string suffix{kReplacementSuffix};
  std::function<bool()> goes_on = [] { return true; };  // false: kCancelled, soon
};

// Copies what is good; after an error all is as it was. Needs nothing but that the file stays.
Result<SalvagedSegment> salvage_segment(const RecoveryContext& context,
                                        const DamagedRange& damaged,
                                        const SalvageOptions& options = {});

// Sets the damaged file aside, durably; the parts take its place.
Status put_in_place(const RecoveryContext& context, const SalvagedSegment& good);

void discard(Disk& disk, const SalvagedSegment& good);

// All of it.
Result<SegmentList> quarantine_segment(const RecoveryContext& context, const DamagedRange& damaged);

// A segment made by walking its file; fails with kCorrupt at the first bad batch.
Result<std::shared_ptr<Segment>> walk_segment(const RecoveryContext& context, Offset base);

// Removes the files beside a segment's `.log`, where there are any.
Status remove_indexes(Disk& disk, const Segment& segment);

}  // namespace xylem::storage
