// Reads a sealed segment by pread, batch by batch, once all of it was proven against the checksums
// that were taken when it was written.
//
// Threads: one at a time. Errors: kNotFound: the segment was retired; kCorrupt: its bytes are not
// what was written; kCancelled: the pace said stop.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "storage/compaction/compactor.h"
#include "storage/disk.h"
#include "storage/segment/batch_run.h"
#include "storage/segment/segment.h"
#include "storage/segment/segment_scan.h"

#include <memory>
#include <optional>

namespace xylem::storage {

// A segment and what was known of it when it was chosen.
struct SealedFacts {
  std::shared_ptr<Segment> segment;
  SegmentFacts facts;
};

class SegmentSource {
 public:
  struct Batch {
    Bytes bytes;  // until the next call
    BatchPlace place;
  };

  // `pace`: null: it was proven just now.
  static Result<std::unique_ptr<SegmentSource>> open(Disk& disk,
                                                     const SealedFacts& sealed,
                                                     CompactionPace* pace);

  // nullopt: that was the last one.
  Result<std::optional<Batch>> next();

 private:
  SegmentSource(std::unique_ptr<File> file, const SegmentFacts& facts);
  Status prove(CompactionPace& pace) const;

  std::unique_ptr<File> file_;
  const SegmentFacts facts_;
  FileWindow window_;
  ScanState state_;
};

}  // namespace xylem::storage
