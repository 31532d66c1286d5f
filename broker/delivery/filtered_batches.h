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

#include <cstddef>
#include <vector>

namespace xylem::broker {

struct FilteredBatches {
  std::vector<Slice> slices;
  std::size_t bytes = 0;
};

// `slices` are whole batches that passed their checks; at least one.
[[nodiscard]] FilteredBatches filtered(const std::vector<Slice>& slices,
                                       const RecordFilter& filter);

}  // namespace xylem::broker
