// The first record of a range of a log, as the dead letters need it: whole, with its epoch.
//
// Threads: the loop's.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <functional>
#include <optional>

namespace xylem::broker {

inline constexpr std::size_t kLookBytesMax = 16ULL * 1024 * 1024;  // of batches

struct FoundRecord {
  Offset offset;
  Epoch epoch;
  Record record;
};

// The first one in [from, below) that `is_meant`, in about kLookBytesMax of batches; nullopt: there
// is none. kUnavailable: the disk brings it; ask again once the partition has moved. Else as
// PartitionLog::read.
Result<std::optional<FoundRecord>> first_record(
    storage::PartitionLog& log,
    Offset from,
    Offset below,
    const std::function<bool(const RecordView&)>& is_meant);

}  // namespace xylem::broker
