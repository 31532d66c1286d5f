// What a subscription with a filter is pushed of what was read from a log.
//
// A batch of which every record matches goes as it is; one of which some do is made anew, with its
// offsets. Of batches without any match nothing is sent but, at the end of a push, one without
// records that stands for the offsets: so cursors move on, and what was looked at is acknowledged.
//
// Threads: any.
#pragma once

#include "broker/delivery/record_filter.h"
#include "common/bytes.h"
#include "common/ids.h"

#include <cstddef>
#include <vector>

namespace xylem::broker {

struct FilteredBatches {
  std::vector<Slice> slices;
  std::size_t bytes = 0;
  Offset next;  // after the last batch that was looked at
};

// `slices` are whole batches that passed their checks; at least one is looked at, and no more once
// their records, unpacked, were `look_bytes_max`: keys, values and headers, and something for each
// record and header itself.
[[nodiscard]] FilteredBatches filtered(const std::vector<Slice>& slices,
                                       const RecordFilter& filter,
                                       std::size_t look_bytes_max);

// All of `slices` but the record at `offset`: its batch is made anew, perhaps without any record.
[[nodiscard]] FilteredBatches without(const std::vector<Slice>& slices, Offset offset);

}  // namespace xylem::broker
