// The file `synced` of a log: a lower bound of what is on stable storage, and where the log starts.
//
// Two slots of 64 bytes, written in turn, so that a torn write leaves the other one:
//
//   "XSYN" | version u32 = 1 | sequence u64 | synced offset i64 | start offset i64 | zeroes |
//   CRC-32C u32 of the 60 bytes above
//
// Recovery takes the good slot with the higher sequence. None is good: nothing is known, which is
// safe: the bound is 0.
// Threads: one at a time.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::storage {

class Disk;
class File;

struct SyncedBound {
  Offset synced;
  Offset start;
};

class SyncedFile {
 public:
  static constexpr std::size_t kSlotBytes = 64;

  SyncedFile(Disk& disk, std::string path);

  // Zeroes when there is no such file. What is there is made durable: from now on others go by it.
  // What it says is durable from then on.
  Result<SyncedBound> load();

  // In place and not synced: it may lag, it may not lie.
  Status store(const SyncedBound& bound);
  Status store_durably(const SyncedBound& bound);

 private:
  Status write(const SyncedBound& bound, bool durably);
  Status sync(File& file);

  Disk& disk_;
  std::string path_;
  std::uint64_t sequence_ = 0;
  bool name_is_durable_ = false;  // known to be
};

// The bound of a whole file and its sequence; zeroes when no slot is good.
struct SyncedSlot {
  SyncedBound bound;
  std::uint64_t sequence = 0;
};

[[nodiscard]] SyncedSlot decode_synced(Bytes file);

// For who only looks, also beside a running broker: changes nothing. Zeroes without a good file.
Result<SyncedSlot> read_synced(Disk& disk, const std::string& path);
[[nodiscard]] Buffer encode_synced(const SyncedSlot& slot);

}  // namespace xylem::storage
