// Whole batches one after the other in memory (a tail block, a window of a mapped segment), and the
// walks over them that every kind of log shares.
//
// Only the fields that place a batch are looked at. Bytes that come back from disk are proven by
// the segment's chunk checks before they are looked at, the rest of a batch before it is handed
// out; blocks of memory need no proof.
// Errors: kCorrupt: a chunk check, or impossible fields, or a batch that passes the end.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem::storage {

class ChunkChecks;

// The fields of a batch that place it.
struct BatchPlace {
  Offset base;
  Offset next;
  std::size_t bytes = 0;
  Epoch epoch = kNoEpoch;
  std::uint32_t crc = 0;
  std::int64_t max_timestamp_ms = 0;
};

// The batch at the head of `bytes`.
Result<BatchPlace> place_at(Bytes bytes);

// A view of whole batches; whoever holds it keeps `bytes` and `checks` alive.
struct BatchRun {
  Bytes bytes;
  const ChunkChecks* checks = nullptr;  // null: the bytes are known to be good

  // The batch at `position`; of its bytes only the header is proven.
  [[nodiscard]] Result<BatchPlace> place(std::size_t position) const;

  // kCorrupt: [begin, end) is not what was written.
  [[nodiscard]] Status prove(std::size_t begin, std::size_t end) const;
};

// Whole batches [begin, end) of a run; `next` follows the last one.
struct Extent {
  std::size_t begin = 0;
  std::size_t end = 0;
  Offset next;
};

struct ReadRange {
  Offset from;
  std::size_t bytes_max = 0;
  Offset below;
};

// From the first batch at or after `position` that reaches `range.from`: about bytes_max bytes but
// at least one batch, all below `range.below`. Empty (begin == end): there is none.
Result<Extent> find_batches(const BatchRun& run, std::size_t position, const ReadRange& range);

// The position of the first batch at or after `position` that starts at or above `offset`; the end
// of the run when there is none.
Result<std::size_t> find_start(const BatchRun& run, std::size_t position, Offset offset);

// The last batch at or after `position` that ends at or below `offset`.
Result<std::optional<LastBatch>> find_last(const BatchRun& run,
                                           std::size_t position,
                                           Offset offset);

// The first batch at or after `position` with a record at or after `timestamp_ms` that reaches
// `range.from` and is below `range.below`.
Result<std::optional<Offset>> find_time(const BatchRun& run,
                                        std::size_t position,
                                        std::int64_t timestamp_ms,
                                        const ReadRange& range);

}  // namespace xylem::storage
