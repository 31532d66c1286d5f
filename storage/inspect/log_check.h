// Checks the files of one log from outside, all of them: batches, both indexes, the synced bound,
// and that its segments join.
//
// Only reads, takes no lock: also beside a running broker, where a batch that is just being written
// at the end is no fault. What a start would mend by itself is told as well.
// Threads: any. Errors: kIo, kNotFound: the directory cannot be listed; what is wrong inside is in
// the answer.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"
#include "storage/segment/index_file.h"
#include "storage/synced_file.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::storage {

class Disk;

enum class FaultKind : std::uint8_t {
  kBadBytes,   // in a segment: batches that fail a check, or cannot be read
  kTornTail,   // an unfinished write at the end, which a start cuts off: no fault, a note
  kIndex,      // gone, or not what the segment holds
  kTimeIndex,  // the same
  kLost,       // offsets that no segment holds
  kSynced,     // the bound is gone or unreadable
  kLeftover,   // of a repair that was interrupted
  kSetAside,   // a damaged file, kept for inspection: a note
  kCatalog,    // meta.db
  kState,      // state.db
};

[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;  // "bad-bytes"

struct DataFault {
  FaultKind kind = FaultKind::kBadBytes;
  std::string file;
  std::int64_t position = 0;
  std::string what;
  std::string remedy;  // what to do, or what will be done

  [[nodiscard]] bool is_note() const {
    return kind == FaultKind::kTornTail || kind == FaultKind::kSetAside;
  }
};

// A segment with something to mend.
struct BadSegment {
  Offset base;
  Offset next;  // where its range ends; of the last one what is known of it
  bool is_last = false;
  bool is_damaged = false;
  std::optional<Buffer> index;  // better ones
  std::optional<Buffer> time_index;
};

struct LogCheck {
  LogName name;
  std::string directory;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::int64_t bytes = 0;
  SyncedBound bound;
  bool has_good_bound = true;
  std::vector<BadSegment> bad;
  std::vector<DataFault> faults;
};

// Called now and then with what was read since; long work shows where it is.
using CheckProgress = std::function<void(std::uint64_t batches, std::int64_t bytes)>;

Result<LogCheck> check_log(Disk& disk,
                           const LogName& name,
                           const std::string& directory,
                           const CheckProgress& progress);

// Every log of a data directory and where it lies; `topic`: only those of that name, empty: all.
struct LogPlace {
  LogName name;
  std::string directory;
};

Result<std::vector<LogPlace>> find_logs(Disk& disk,
                                        const std::string& data_dir,
                                        std::string_view topic);

}  // namespace xylem::storage
