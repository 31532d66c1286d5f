// Looks a pushed DATA over before anybody sees it: whole batches, right checksums, offsets that
// only go up.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/messages.h"

namespace xylem::network {

struct CheckedData {
  Slice batches;       // without those that end at or below the cursor; may be empty
  Offset next_offset;  // after the last batch
  Epoch epoch;         // of the first of `batches`
};

// Offsets may have holes. The first of `batches` may begin below `cursor`: batches are sent whole.
// kCorrupt: anything is wrong with any batch.
Result<CheckedData> check_data(const Data& data, Offset cursor);

}  // namespace xylem::network
