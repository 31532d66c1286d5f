// Rewrites one batch with fewer records; offsets, epoch and everything else of the header stay.
//
// A batch that loses nothing is not touched: whoever copies it copies its bytes. What is rewritten
// is packed with the codec it came with. A batch that cannot be opened (an unknown codec, records
// that are no records) or not be made anew stays as it is: nobody knows what is in it.
// Threads: any.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"

#include <cstdint>
#include <functional>

namespace xylem::storage {

enum class Filtered : std::uint8_t {
  kUntouched,  // every record stays
  kFewer,
  kEmptied,
  kOpaque,  // left as it is
};

struct FilteredBatch {
  Filtered result = Filtered::kUntouched;
  Buffer bytes;  // with kFewer and kEmptied: the new batch
  std::int64_t removed = 0;
};

// `batch` is one whole batch that passed check_batch. Control batches stay as they are.
FilteredBatch filter_batch(Bytes batch, const std::function<bool(const RecordView&)>& keeps);

// Calls `see` for every record until it says false. False: the batch is opaque.
bool for_each_record(Bytes batch, const std::function<bool(const RecordView&)>& see);

}  // namespace xylem::storage
