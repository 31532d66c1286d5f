// The files beside a sealed segment: hints that spare walking it, checked before they are believed.
//
//   .index       "XIDX" | version u32 = 1 | base offset i64 | end offset i64 | log bytes i64 |
//                max timestamp i64 | appended i64 | epochs u32 | chunks u32 | entries u32 |
//                epochs: (epoch i32, start i64)... | chunks: CRC-32C u32 of each MiB of log... |
//                CRC-32C u32 of all above |
//                entries: (relative offset u32, position u32)... | CRC-32C u32 of the entries
//   .timeindex   "XTIM" | version u32 = 1 | base offset i64 | entries u32 |
//                (latest timestamp before i64, position u32)... | CRC-32C u32 of all above
//
// All integers big-endian. Errors: kCorrupt: any of it is not so.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"
#include "storage/segment/sparse_index.h"
#include "storage/segment/time_index.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace xylem::storage {

// What is known of a segment without looking into it.
struct SegmentFacts {
  Offset base;
  Offset end;
  std::int64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t appended_ms = 0;
  std::vector<EpochStart> epochs;
  std::vector<std::uint32_t> chunk_crcs;
};

inline constexpr std::size_t kIndexHeadBytes = 60;  // before the epochs
inline constexpr std::size_t kIndexBytesMax = 64ULL * 1024 * 1024;

[[nodiscard]] Buffer encode_index(const SegmentFacts& facts, const SparseIndex& index);
[[nodiscard]] Buffer encode_time_index(Offset base, const TimeIndex& index);

// How many bytes of the file decode_index_facts needs; from its first kIndexHeadBytes.
Result<std::size_t> index_facts_bytes(Bytes file);
Result<SegmentFacts> decode_index_facts(Bytes file);
Result<std::shared_ptr<SparseIndex>> decode_index(Bytes file);
Result<std::shared_ptr<TimeIndex>> decode_time_index(Bytes file, Offset base);

}  // namespace xylem::storage
