// A CRC-32C per MiB of a segment: proves bytes read back from disk before anybody looks at them,
// the batch header fields that a batch's own CRC leaves out included.
//
// Bytes this process wrote, or recovery walked, need no proof; what an index file vouches for is
// checked once, at the first read of each MiB; that is brought in first, for a sector the device
// cannot read is an error there and a signal where it is touched.
// Threads: restore, extend: the segment's writer; ensure: any.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "storage/segment/growing_array.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace xylem::storage {

inline constexpr std::size_t kChunkBytes = 1024UL * 1024;

class Disk;

class ChunkChecks {
 public:
  // `disk` maps what ensure() is given and outlives this; null: that is memory.
  explicit ChunkChecks(Disk* disk = nullptr) : disk_(disk) {}

  // Takes CRCs of [0, bytes) as they were stored: none is proven yet.
  void restore(const std::vector<std::uint32_t>& crcs, std::size_t bytes);

  // `batch` follows what the checks cover already; `crc` is its own, which somebody has checked
  // before it was written. What it covers is read again only where it is short, or to divide it at
  // the end of a MiB.
  void extend(Bytes batch, std::uint32_t crc);

  // Proves the whole chunks of `run` that [begin, end) touches. kCorrupt: one of them is not what
  // was written, or the disk cannot read it.
  Status ensure(Bytes run, std::size_t begin, std::size_t end) const;

  // Whether ensure() would have nothing to look at.
  [[nodiscard]] bool are_proven(std::size_t begin, std::size_t end) const;

  // Of everything covered, the last one possibly of a part of a MiB.
  [[nodiscard]] std::vector<std::uint32_t> crcs() const;

 private:
  void add(std::uint32_t crc, std::size_t bytes);
  [[nodiscard]] Status prove(Bytes run, std::size_t chunk) const;

  // Only the restored part is ever proven; extend() works beyond it.
  struct Restored {
    std::vector<std::uint32_t> crcs;
    mutable std::vector<std::atomic<bool>> proven;
    std::size_t bytes = 0;
  };

  Disk* disk_;
  Restored restored_;
  std::vector<std::uint32_t> full_;  // of whole chunks
  std::uint32_t open_crc_ = 0;       // of the chunk being written
  std::size_t open_bytes_ = 0;
};

}  // namespace xylem::storage
