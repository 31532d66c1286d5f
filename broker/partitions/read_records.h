// The records of a log that the broker itself reads: its internal topics.
//
// Threads: the loop's.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <functional>

namespace xylem::broker {

// Calls `each` for the records in [from, below) of about `bytes_max` bytes of batches, and answers
// the offset to go on at; `from` itself: there are none. Batches that cannot be read are left out.
// Errors: as PartitionLog::read.
Result<Offset> read_records(const storage::PartitionLog& log,
                            Offset from,
                            Offset below,
                            std::size_t bytes_max,
                            const std::function<void(const RecordView&)>& each);

}  // namespace xylem::broker
