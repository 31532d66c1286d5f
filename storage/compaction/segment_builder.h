// Writes the segment that takes the place of others, beside them as <base>.log.compacting.
//
// Threads: one at a time. Memory: about 1 MiB and the segment's indexes.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/disk.h"
#include "storage/segment/segment.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xylem::storage {

class SegmentBuilder {
 public:
  static Result<std::unique_ptr<SegmentBuilder>> begin(Disk& disk,
                                                       const std::string& directory,
                                                       Offset base);

  // The next batch, as it is.
  Status add(Bytes batch);

  // An emptied batch: it is only written if it turns out to be the last one, so that the segment
  // ends where the ones it replaces ended.
  void hold(Buffer batch) { held_ = std::move(batch); }

  // Of what was added, this node's clock: the latest.
  void appended_at(std::int64_t ms) { appended_ms_ = std::max(appended_ms_, ms); }

  [[nodiscard]] std::int64_t bytes() const;

  [[nodiscard]] Offset base() const { return segment_->base(); }

  [[nodiscard]] std::string path() const;

  // Everything is on stable storage, under path(); the segment knows its later name.
  Result<std::shared_ptr<Segment>> finish();

 private:
  SegmentBuilder(std::unique_ptr<File> file, std::shared_ptr<Segment> segment);
  Status flush();

  std::unique_ptr<File> file_;
  std::shared_ptr<Segment> segment_;
  Buffer waiting_;
  std::vector<BatchPlace> places_;  // of what waits
  Buffer held_;                     // empty: none
  std::int64_t appended_ms_ = 0;
};

}  // namespace xylem::storage
