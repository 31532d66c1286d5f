#include "common/batch/batch.h"

#include "common/batch/crc32c.h"
#include "common/batch/record_fields.h"
#include "common/check.h"

#include <algorithm>
#include <limits>

namespace xylem {
namespace {

constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kBaseTimestampAt = 27;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;
constexpr std::size_t kRecordCountAt = 57;

constexpr std::int8_t kMagic = 2;
constexpr std::int16_t kCompressionBits = 0x07;
constexpr std::int16_t kAppendTimeBit = 0x08;
constexpr std::int16_t kControlBit = 0x20;
constexpr std::size_t kRecordBytesMin = 7;  // one byte a field

template <class T>
T field(Bytes bytes, std::size_t at) noexcept {
  return load_be<T>(bytes.subspan(at, sizeof(T)));
}

BatchHeader load_fields(Bytes bytes) noexcept {
  BatchHeader header;
  header.base_offset = Offset(field<std::int64_t>(bytes, 0));
  header.epoch = Epoch(field<std::int32_t>(bytes, kEpochAt));
  header.crc = field<std::uint32_t>(bytes, kCrcAt);
  header.attributes = field<std::int16_t>(bytes, kAttributesAt);
  header.last_offset_delta = field<std::int32_t>(bytes, kLastOffsetDeltaAt);
  header.base_timestamp_ms = field<std::int64_t>(bytes, kBaseTimestampAt);
  header.max_timestamp_ms = field<std::int64_t>(bytes, kMaxTimestampAt);
  header.producer_id = field<std::int64_t>(bytes, kProducerIdAt);
  header.producer_epoch = field<std::int16_t>(bytes, kProducerEpochAt);
  header.base_sequence = field<std::int32_t>(bytes, kBaseSequenceAt);
  header.record_count = field<std::int32_t>(bytes, kRecordCountAt);
  return header;
}

Status check_fields(const BatchHeader& header) {
  if (header.base_offset.value() < 0) return fail(Errc::kCorrupt, "batch base offset");
  if (header.epoch < kNoEpoch) return fail(Errc::kCorrupt, "batch epoch");
  if (header.record_count < 0) return fail(Errc::kCorrupt, "batch record count");
  if (header.last_offset_delta < std::max(header.record_count - 1, 0))
    return fail(Errc::kCorrupt, "batch last offset delta");
  constexpr auto kOffsetMax = std::numeric_limits<std::int64_t>::max();
  if (header.base_offset.value() > kOffsetMax - header.last_offset_delta - 1)
    return fail(Errc::kCorrupt, "batch offsets");
  const bool packed = (header.attributes & kCompressionBits) != 0;
  if (header.record_count == 0 && (packed || header.bytes != kBatchHeaderBytes))
    return fail(Errc::kCorrupt, "batch without records has bytes for some");
  const auto records_bytes = packed ? kBatchBytesMax : header.bytes - kBatchHeaderBytes;
  if (static_cast<std::size_t>(header.record_count) > records_bytes / kRecordBytesMin)
    return fail(Errc::kCorrupt, "batch record count exceeds its bytes");
  return {};
}

Status walk(const BatchHeader& header, Bytes records, OffsetHoles holes) {
  std::int32_t last_delta = -1;
  RecordFields record;
  for (std::int32_t i = 0; i < header.record_count; ++i) {
    if (const auto* wrong = take_record(records, record)) return fail(Errc::kCorrupt, wrong);
    if (record.offset_delta <= last_delta || record.offset_delta > header.last_offset_delta)
      return fail(Errc::kCorrupt, "record offset out of order");
    if (holes == OffsetHoles::kRefused && record.offset_delta != i)
      return fail(Errc::kCorrupt, "record offsets with a hole");
    if (!header.timestamp_ms(record.timestamp_delta_ms))
      return fail(Errc::kCorrupt, "record timestamp");
    last_delta = record.offset_delta;
  }
  if (!records.empty()) return fail(Errc::kCorrupt, "bytes after the last record");
  return {};
}

}  // namespace

Result<Compression> BatchHeader::compression() const {
  const auto codec = static_cast<std::uint8_t>(attributes & kCompressionBits);
  if (codec > static_cast<std::uint8_t>(Compression::kZstd))
    return fail(Errc::kInvalidRequest, "unknown compression " + std::to_string(codec));
  return static_cast<Compression>(codec);
}

bool BatchHeader::is_control() const noexcept { return (attributes & kControlBit) != 0; }

std::optional<std::int64_t> BatchHeader::timestamp_ms(std::int64_t delta_ms) const noexcept {
  if ((attributes & kAppendTimeBit) != 0) return max_timestamp_ms;
  std::int64_t sum = 0;
  if (__builtin_add_overflow(base_timestamp_ms, delta_ms, &sum)) return std::nullopt;
  return sum;
}

Result<BatchHeader> peek_batch_header(Bytes bytes) {
  if (bytes.size() < kBatchHeaderBytes) return fail(Errc::kUnavailable, "short batch header");
  if (field<std::int8_t>(bytes, kMagicAt) != kMagic) return fail(Errc::kCorrupt, "batch magic");
  const auto length = field<std::int32_t>(bytes, kBatchLengthAt);
  constexpr auto kLengthMin = static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes);
  constexpr auto kLengthMax = static_cast<std::int32_t>(kBatchBytesMax - kBatchPrefixBytes);
  if (length < kLengthMin || length > kLengthMax) return fail(Errc::kCorrupt, "batch length");
  auto header = load_fields(bytes);
  header.bytes = kBatchPrefixBytes + static_cast<std::size_t>(length);
  if (auto checked = check_fields(header); !checked) return pass(checked);
  return header;
}

Result<BatchHeader> read_batch_header(Bytes bytes) {
  auto header = peek_batch_header(bytes);
  if (header && bytes.size() < header->bytes) return fail(Errc::kUnavailable, "short batch");
  return header;
}

Result<BatchHeader> check_batch(Bytes bytes) {
  auto header = read_batch_header(bytes);
  if (!header) return header;
  if (crc32c(bytes.first(header->bytes).subspan(kBatchCrcFrom)) != header->crc)
    return fail(Errc::kCorrupt, "batch checksum");
  return header;
}

Result<BatchHeader> check_batch_deeply(Bytes bytes, OffsetHoles holes) {
  auto header = check_batch(bytes);
  if (!header) return header;
  const auto compression = header->compression();
  if (!compression) return std::unexpected(compression.error());
  if (holes == OffsetHoles::kRefused && header->last_offset_delta != header->record_count - 1)
    return fail(Errc::kCorrupt, "record offsets with a hole");
  auto records = bytes.first(header->bytes).subspan(kBatchHeaderBytes);
  Buffer unpacked;
  if (*compression != Compression::kNone) {
    auto plain = decompress(*compression, records, kBatchBytesMax);
    if (!plain) return pass(plain, "unpack batch");
    unpacked = std::move(*plain);
    records = unpacked;
  }
  if (auto walked = walk(*header, records, holes); !walked) return pass(walked);
  return header;
}

void write_batch_header(const BatchHeader& header, MutableBytes batch) {
  XYLEM_CHECK(header.bytes >= kBatchHeaderBytes && header.bytes <= kBatchBytesMax);
  XYLEM_CHECK(batch.size() >= header.bytes);
  assign(batch, header.base_offset, header.epoch);
  store_be(static_cast<std::int32_t>(header.bytes - kBatchPrefixBytes),
           batch.subspan(kBatchLengthAt));
  store_be(kMagic, batch.subspan(kMagicAt));
  store_be(header.attributes, batch.subspan(kAttributesAt));
  store_be(header.last_offset_delta, batch.subspan(kLastOffsetDeltaAt));
  store_be(header.base_timestamp_ms, batch.subspan(kBaseTimestampAt));
  store_be(header.max_timestamp_ms, batch.subspan(kMaxTimestampAt));
  store_be(header.producer_id, batch.subspan(kProducerIdAt));
  store_be(header.producer_epoch, batch.subspan(kProducerEpochAt));
  store_be(header.base_sequence, batch.subspan(kBaseSequenceAt));
  store_be(header.record_count, batch.subspan(kRecordCountAt));
  store_be(crc32c(Bytes(batch).first(header.bytes).subspan(kBatchCrcFrom)), batch.subspan(kCrcAt));
}

Buffer emptied(const BatchHeader& header) {
  Buffer batch(kBatchHeaderBytes);
  auto empty = header;
  empty.bytes = kBatchHeaderBytes;
  empty.attributes = static_cast<std::int16_t>(header.attributes & ~kCompressionBits);
  empty.base_timestamp_ms = -1;
  empty.max_timestamp_ms = -1;
  empty.record_count = 0;
  write_batch_header(empty, batch);
  return batch;
}

std::int32_t sequence_after(std::int32_t sequence, std::int32_t count) noexcept {
  constexpr std::uint32_t kSequenceMax = std::numeric_limits<std::int32_t>::max();
  const auto next = static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(count);
  return static_cast<std::int32_t>(next & kSequenceMax);
}

void assign(MutableBytes batch, Offset base_offset, Epoch epoch) {
  XYLEM_CHECK(batch.size() >= kBatchHeaderBytes);
  store_be(base_offset.value(), batch);
  store_be(epoch.value(), batch.subspan(kEpochAt));
}

}  // namespace xylem
