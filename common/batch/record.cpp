#include "common/batch/record.h"

#include "common/batch/record_fields.h"

#include <utility>

namespace xylem {
namespace {

std::optional<std::string> text_of(const std::optional<Bytes>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(xylem::text_of(*bytes));
}

}  // namespace

Record RecordView::to_record() const {
  Record record{text_of(key), text_of(value), {}, timestamp_ms};
  record.headers.reserve(headers.size());
  for (const auto& header : headers) record.headers.emplace_back(header.key, text_of(header.value));
  return record;
}

BatchReader::BatchReader(const BatchHeader& header, Buffer unpacked, Bytes records)
    : header_(header),
      unpacked_(std::move(unpacked)),
      left_(records),
      records_left_(header.record_count) {}

Result<BatchReader> BatchReader::open(Bytes batch) {
  auto header = read_batch_header(batch);
  if (!header) return pass(header);
  const auto compression = header->compression();
  if (!compression) return std::unexpected(compression.error());
  const auto records = batch.first(header->bytes).subspan(kBatchHeaderBytes);
  if (*compression == Compression::kNone) return BatchReader(*header, {}, records);
  auto unpacked = decompress(*compression, records, kBatchBytesMax);
  if (!unpacked) return pass(unpacked, "unpack batch");
  const Bytes view(*unpacked);
  return BatchReader(*header, std::move(*unpacked), view);
}

std::optional<Result<RecordView>> BatchReader::next() {
  if (records_left_ == 0) return std::nullopt;
  auto record = take_next();
  records_left_ = record ? records_left_ - 1 : 0;
  return record;
}

Result<RecordView> BatchReader::take_next() {
  auto fields = take_record(left_);
  if (!fields) return pass(fields);
  if (fields->offset_delta <= last_delta_ || fields->offset_delta > header_.last_offset_delta)
    return fail(Errc::kCorrupt, "record offset out of order");
  last_delta_ = fields->offset_delta;
  RecordView record;
  record.offset = header_.base_offset + fields->offset_delta;
  const auto timestamp_ms = header_.timestamp_ms(fields->timestamp_delta_ms);
  if (!timestamp_ms) return fail(Errc::kCorrupt, "record timestamp");
  record.timestamp_ms = *timestamp_ms;
  record.key = fields->key;
  record.value = fields->value;
  record.headers.reserve(fields->header_count);
  for (std::size_t i = 0; i < fields->header_count; ++i)
    record.headers.push_back(take_header(fields->headers));
  if (records_left_ == 1 && !left_.empty())
    return fail(Errc::kCorrupt, "bytes after the last record");
  return record;
}

}  // namespace xylem
