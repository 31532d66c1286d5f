// Walks a segment's file by pread, checking everything: what recovery, repair and inspection use.
//
// A batch is good when its CRC holds, its offsets follow those before and its epoch is not older.
// Zeroes, or nothing, after the last good batch are the clean end.
// Threads: one at a time.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/segment/batch_run.h"

#include <cstdint>
#include <functional>
#include <string>

namespace xylem::storage {

class File;

// A sliding window over a file.
class FileWindow {
 public:
  explicit FileWindow(const File& file) : file_(file) {}

  // Bytes from `position` on: `bytes` of them, fewer only at the end of the file. Valid until the
  // next call.
  Result<Bytes> at(std::int64_t position, std::size_t bytes);

 private:
  const File& file_;
  Buffer window_;
  std::int64_t begin_ = 0;
  bool reaches_end_ = false;  // of the file, as it was when the window was read
};

struct ScanState {
  Offset base;  // of the segment
  std::int64_t position = 0;
  Offset next;             // the lowest offset that may follow
  Epoch epoch = kNoEpoch;  // the lowest epoch that may follow
};

struct ScanEnd {
  ScanState state;  // after the last good batch
  bool clean = true;
  std::string what;           // why the next batch is no good
  bool is_misplaced = false;  // it is whole, but offsets or epochs go back: no write was torn here
};

// The batch at `state.position`. kCorrupt: it is not good.
Result<BatchPlace> good_batch_at(FileWindow& window, const ScanState& state);

// Whether a batch that passes its checksum is at `position`, wherever it belongs.
bool is_whole(FileWindow& window, std::int64_t position);

using BatchSink = std::function<Status(Bytes batch, const BatchPlace& place)>;

// From `state` on, to the clean end or the first bad batch.
Result<ScanEnd> scan_segment(const File& file, const ScanState& state, const BatchSink& good);

}  // namespace xylem::storage
