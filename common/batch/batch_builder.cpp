#include "common/batch/batch_builder.h"

#include "common/batch/crc32c.h"
#include "common/batch/varint.h"
#include "common/check.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace xylem {
namespace {

std::optional<Bytes> view_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return bytes_of(*text);
}

std::size_t field_bytes(std::size_t length) noexcept {
  return varint_bytes(static_cast<std::int64_t>(length)) + length;
}

std::size_t field_bytes(const std::optional<Bytes>& field) noexcept {
  return field ? field_bytes(field->size()) : varint_bytes(-1);
}

std::byte* put_field(const std::optional<Bytes>& field, std::byte* out) noexcept {
  if (!field) return put_varint(-1, out);
  out = put_varint(static_cast<std::int64_t>(field->size()), out);
  return std::copy(field->begin(), field->end(), out);
}

// Of the record without its length.
std::size_t body_bytes(std::int64_t timestamp_delta_ms,
                       std::int32_t offset_delta,
                       const RecordView& record) noexcept {
  auto bytes = 1 + varint_bytes(timestamp_delta_ms) + varint_bytes(offset_delta) +
               field_bytes(record.key) + field_bytes(record.value) +
               varint_bytes(static_cast<std::int64_t>(record.headers.size()));
  for (const auto& header : record.headers)
    bytes += field_bytes(header.key.size()) + field_bytes(header.value);
  return bytes;
}

}  // namespace

BatchBuilder::BatchBuilder(Compression compression) : compression_(compression) {}

std::size_t BatchBuilder::bytes() const { return std::max(batch_.size(), kBatchHeaderBytes); }

Status BatchBuilder::add(const Record& record) {
  RecordView view;
  view.timestamp_ms = record.timestamp_ms;
  view.key = view_of(record.key);
  view.value = view_of(record.value);
  view.headers.reserve(record.headers.size());
  for (const auto& [key, value] : record.headers) view.headers.push_back({key, view_of(value)});
  return put(last_delta_ + 1, view);
}

Status BatchBuilder::add_at(std::int32_t delta, const RecordView& record) {
  XYLEM_CHECK(delta > last_delta_);
  return put(delta, record);
}

Status BatchBuilder::put(std::int32_t delta, const RecordView& record) {
  if (record.headers.size() > kRecordHeadersMax)
    return fail(Errc::kInvalidRequest, "record with too many headers");
  const auto base_ms = empty() ? record.timestamp_ms : base_timestamp_ms_;
  std::int64_t delta_ms = 0;
  if (__builtin_sub_overflow(record.timestamp_ms, base_ms, &delta_ms))
    return fail(Errc::kInvalidRequest, "record timestamp too far from the batch's");
  const auto body = body_bytes(delta_ms, delta, record);
  const auto whole = field_bytes(body);
  if (whole > kBatchBytesMax - bytes())
    return fail(Errc::kMessageTooLarge, "batch over " + std::to_string(kBatchBytesMax) + " bytes");

  if (empty()) batch_.reserve(std::max(bytes_expected_, kBatchHeaderBytes + whole));
  const auto at = bytes();
  batch_.resize(at + whole);
  auto* out = put_varint(static_cast<std::int64_t>(body), batch_.data() + at);
  *out++ = std::byte{0};  // attributes
  out = put_varint(delta_ms, out);
  out = put_varint(delta, out);
  out = put_field(record.key, out);
  out = put_field(record.value, out);
  out = put_varint(static_cast<std::int64_t>(record.headers.size()), out);
  for (const auto& header : record.headers) {
    out = put_field(bytes_of(header.key), out);
    out = put_field(header.value, out);
  }
  XYLEM_CHECK(out == batch_.data() + batch_.size());

  base_timestamp_ms_ = base_ms;
  max_timestamp_ms_ = empty() ? base_ms : std::max(max_timestamp_ms_, record.timestamp_ms);
  last_delta_ = delta;
  ++count_;
  return {};
}

Status BatchBuilder::pack() {
  const auto records = Bytes(batch_).subspan(kBatchHeaderBytes);
  auto packed = compress(compression_, records);
  if (!packed) return pass(packed, "pack batch");
  if (packed->size() >= records.size() || records.size() > unpacked_bytes_max(packed->size()))
    return {};
  std::copy(packed->begin(), packed->end(), batch_.begin() + kBatchHeaderBytes);
  batch_.resize(kBatchHeaderBytes + packed->size());
  store_be(static_cast<std::int16_t>(compression_), MutableBytes(batch_).subspan(kBatchCrcFrom));
  return {};
}

Result<Buffer> BatchBuilder::build(const BatchProducer& producer) {
  if (empty()) return fail(Errc::kInvalidRequest, "batch without records");
  bytes_expected_ = bytes();
  if (compression_ != Compression::kNone) {
    if (auto packed = pack(); !packed) return pass(packed);
  }
  BatchHeader header;
  header.bytes = batch_.size();
  header.epoch = Epoch(0);
  header.attributes = load_be<std::int16_t>(Bytes(batch_).subspan(kBatchCrcFrom));
  header.last_offset_delta = std::exchange(last_delta_, -1);
  header.base_timestamp_ms = base_timestamp_ms_;
  header.max_timestamp_ms = max_timestamp_ms_;
  header.producer_id = producer.id;
  header.producer_epoch = producer.epoch;
  header.base_sequence = producer.sequence;
  header.record_count = std::exchange(count_, 0);
  write_batch_header(header, batch_);
  return std::exchange(batch_, {});
}

}  // namespace xylem
