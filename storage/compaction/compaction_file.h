// The file `compaction` of a log: what must be known before its files are looked at.
//
// Two slots of 512 bytes, written in turn and synced each time, so that a torn write leaves the
// state before it:
//
//   "XCMP" | version u32 = 1 | sequence u64 | cleaned to i64 | compacted below i64 |
//   tombstone horizon i64 | swap: base i64, end i64, bytes i64 (zeroes: none) | marks u32 |
//   marks: (below i64, appended ms i64)... | zeroes | CRC-32C u32 of the 508 bytes above
//
// All integers big-endian. A log without the file was never compacted. In a file without one good
// slot nothing can be believed: the log counts as compacted to its end.
// Threads: one at a time.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "storage/compaction/compaction_state.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace xylem::storage {

class Disk;

struct CompactionSlot {
  CompactionState state;
  std::uint64_t sequence = 0;
};

inline constexpr std::size_t kCompactionSlotBytes = 512;

[[nodiscard]] Buffer encode_compaction(const CompactionSlot& slot);

// The newest good slot of a whole file; kCorrupt: there is none.
Result<CompactionSlot> decode_compaction(Bytes file);

class CompactionFile {
 public:
  CompactionFile(Disk& disk, std::string path);

  // nullopt: there is no file. kCorrupt: it says nothing.
  Result<std::optional<CompactionState>> load();

  // Durable on return.
  Status store(const CompactionState& state);

 private:
  Status create(const CompactionState& state);

  Disk& disk_;
  std::string path_;
  std::uint64_t sequence_ = 0;
  bool exists_ = false;
};

}  // namespace xylem::storage
