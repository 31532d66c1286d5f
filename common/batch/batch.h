// The batch: the unit on disk, on the pipe and on the wire. Kafka's RecordBatch v2, byte for byte.
//
//    0  base offset         i64   assigned by the owner of the partition; outside the CRC
//    8  length              i32   bytes after this field
//   12  leader epoch        i32   assigned by the owner; outside the CRC
//   16  magic               i8    2
//   17  crc                 u32   CRC-32C of everything from `attributes` to the end
//   21  attributes          i16   bits 0-2 compression, 3 timestamp type, 5 control
//   23  last offset delta   i32
//   27  base timestamp      i64   ms
//   35  max timestamp       i64   ms
//   43  producer id         i64   -1: none
//   51  producer epoch      i16
//   53  base sequence       i32
//   57  record count        i32   0: compaction or a filter took them all
//   61  records             (record.h), packed as a whole when compressed
//
// All integers big-endian. Source: https://kafka.apache.org/documentation/#recordbatch
#pragma once

#include "common/batch/compression.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem {

inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::size_t kBatchLengthAt = 8;
inline constexpr std::size_t kBatchPrefixBytes = 12;  // base offset and length
inline constexpr std::size_t kBatchCrcFrom = 21;      // the first byte under the CRC
inline constexpr std::size_t kBatchBytesMax = 16ULL * 1024 * 1024;

struct BatchHeader {
  Offset base_offset;
  std::size_t bytes = 0;  // of the whole batch, header included
  Epoch epoch;
  std::uint32_t crc = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp_ms = 0;
  std::int64_t max_timestamp_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;

  [[nodiscard]] Offset last_offset() const { return base_offset + last_offset_delta; }

  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }

  // kInvalidRequest: the bits name no codec.
  [[nodiscard]] Result<Compression> compression() const;

  // Written by a broker for itself (transaction markers), never by a producer.
  [[nodiscard]] bool is_control() const noexcept;

  // Of the record with that timestamp delta; in a batch stamped at append they all have the
  // batch's. nullopt: not a number of 64 bits.
  [[nodiscard]] std::optional<std::int64_t> timestamp_ms(std::int64_t delta_ms) const noexcept;
};

// `count` numbers on in what a producer counts its records by: after 2^31 - 1 comes 0.
[[nodiscard]] std::int32_t sequence_after(std::int32_t sequence, std::int32_t count) noexcept;

// The header at the head of `bytes`, fields checked against each other (magic, length within
// kBatchBytesMax, counts, deltas, record count × smallest record ≤ bytes when not compressed).
// kUnavailable: `bytes` ends before the header or the batch does. kCorrupt: a field is impossible.
// The CRC is not looked at.
Result<BatchHeader> read_batch_header(Bytes bytes);

// The header alone (61 bytes are enough); otherwise as read_batch_header.
Result<BatchHeader> peek_batch_header(Bytes bytes);

// read_batch_header, and the CRC. kCorrupt: it does not match.
Result<BatchHeader> check_batch(Bytes bytes);

// Whether offsets may be missing inside a batch: a producer leaves none, compaction and filters do.
enum class OffsetHoles : std::uint8_t { kRefused, kAllowed };

// check_batch, and every record walked (decompressed if need be): what an owner does before it
// accepts a batch from a producer. Allocates only to decompress. kInvalidRequest: unknown codec.
Result<BatchHeader> check_batch_deeply(Bytes bytes, OffsetHoles holes = OffsetHoles::kRefused);

// Writes all 61 bytes at the head of `batch`, of which header.bytes are there, with the CRC that
// the rest gives; header.crc is not looked at.
void write_batch_header(const BatchHeader& header, MutableBytes batch);

// The batch of `header` without its records: it stands for its offsets and its epoch, and has no
// time (-1).
[[nodiscard]] Buffer emptied(const BatchHeader& header);

// What an owner writes into a batch it accepted; the CRC does not cover it.
void assign(MutableBytes batch, Offset base_offset, Epoch epoch);

}  // namespace xylem
