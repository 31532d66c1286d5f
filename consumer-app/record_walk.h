// Walks the records of a run of whole batches, or of a stretch of a log. Control batches hold none.
//
// Errors: kCorrupt names the batch's base offset.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <functional>

namespace xylem::consumer_app {

// `visit` answers an error to stop with it. `batches` must have passed their CRC. The answer is the
// offset after the last batch; 0 when there is none.
using VisitRecord = std::function<Status(const BatchHeader&, const RecordView&)>;
Result<Offset> walk_batches(Bytes batches, const VisitRecord& visit);

// Records at offsets [from, to), until `visit` answers false (the record counts as taken) or about
// `bytes_max` bytes of batches were read. The answer is the offset to go on at: `to` or the log's
// end when all was seen. A `from` below the log's start begins there.
using VisitStored = std::function<bool(const BatchHeader&, const RecordView&)>;

struct Stretch {
  Offset from;
  Offset to;
  std::size_t bytes_max = 0;
};

Result<Offset> walk_log(const storage::PartitionLog& log,
                        const Stretch& stretch,
                        const VisitStored& visit);

}  // namespace xylem::consumer_app
