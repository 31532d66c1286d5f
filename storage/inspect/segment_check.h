// Proves a sealed segment against everything that is known of it: each batch, the CRCs per MiB that
// its index file keeps, and both index files against what they ought to be.
//
// Reads the file in steps of a MiB by pread, so that a page the device cannot read is an error and
// nobody waits for long. Bytes in the system's page cache are taken from there.
// Threads: one at a time. Errors: kCorrupt: bytes at position() are not what was written; kIo: the
// device cannot read them.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "storage/disk.h"
#include "storage/segment/segment.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xylem::storage {

class SegmentCheck {
 public:
  // What the log believes of the segment.
  struct Expected {
    Offset base;
    std::optional<Offset> end;  // nullopt: wherever its batches end
    std::int64_t bytes = 0;
    std::int64_t appended_ms = 0;
  };

  static Result<std::unique_ptr<SegmentCheck>> open(Disk& disk,
                                                    const std::string& directory,
                                                    const Expected& expected);

  // Reads on; how many bytes. 0: all is proven.
  Result<std::int64_t> step();

  // After the last batch so far; in the end, of the segment.
  [[nodiscard]] Offset end() const { return walked_->end(); }

  // Of the first byte that is not proven.
  [[nodiscard]] std::int64_t position() const { return position_; }

  [[nodiscard]] std::uint64_t batches() const { return batches_; }

  // Once all is proven: what the index files ought to hold; nullopt: they do.
  [[nodiscard]] Result<std::optional<Buffer>> better_index() const;
  [[nodiscard]] Result<std::optional<Buffer>> better_time_index() const;

 private:
  SegmentCheck(Disk& disk, std::string directory, const Expected& expected);

  Status take_batches();

  Disk& disk_;
  Expected expected_;
  std::unique_ptr<File> file_;
  std::optional<SegmentFacts> facts_;
  std::shared_ptr<Segment> walked_;
  Buffer chunk_;
  Buffer carried_;  // the begin of a batch that the next step ends
  std::int64_t read_ = 0;
  std::int64_t position_ = 0;
  Epoch epoch_ = kNoEpoch;
  std::uint64_t batches_ = 0;
};

}  // namespace xylem::storage
