// The records of what a batch handler is given, one by one.
//
//   handlers.batch = [&](const DeliveredBatch& batch) {
//     return each_record(batch, [&](const RecordView& record) { return store(record); });
//   };
#pragma once

#include "common/batch/record.h"
#include "common/result.h"
#include "network/client/consumer.h"

#include <functional>

namespace xylem::network {

// In order, from `first_offset` on, without control records. The views hold until `take` returns.
// What `take` answers ends the walk unless it is success; kCorrupt: what is compressed is no
// record.
Status each_record(const DeliveredBatch& delivered,
                   const std::function<Status(const RecordView&)>& take);

}  // namespace xylem::network
