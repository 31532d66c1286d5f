// Records inside a batch, and their iterator.
//
//   length varint | attributes i8 | timestamp delta varlong | offset delta varint |
//   key length varint (-1: null) | key | value length varint (-1: null, a tombstone) | value |
//   header count varint | (key length varint | key | value length varint | value)...
//
// Varints are zig-zag, as in Protocol Buffers. Source:
// https://kafka.apache.org/documentation/#record
#pragma once

#include "common/batch/batch.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {

// What a producer gives.
struct Record {
  std::optional<std::string> key;
  std::optional<std::string> value;  // none: a tombstone (DELETE)
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::int64_t timestamp_ms = 0;
};

struct HeaderView {
  std::string_view key;
  std::optional<Bytes> value;
};

// Views into the batch (or into the reader's unpacked copy of it).
struct RecordView {
  Offset offset;
  std::int64_t timestamp_ms = 0;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<HeaderView> headers;

  [[nodiscard]] bool is_tombstone() const { return !value.has_value(); }

  [[nodiscard]] Record to_record() const;
};

inline constexpr std::size_t kRecordHeadersMax = 1'024;  // per record; more is kCorrupt

// Walks the records of one batch.
//
//   auto reader = BatchReader::open(batch);
//   while (auto record = reader->next()) { if (!*record) break; use(**record); }
class BatchReader {
 public:
  // `batch` must outlive the reader and have passed check_batch. Unpacks it when compressed.
  static Result<BatchReader> open(Bytes batch);

  BatchReader(BatchReader&&) noexcept = default;
  BatchReader& operator=(BatchReader&&) noexcept = default;
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;
  ~BatchReader() = default;

  // nullopt after the last record; kCorrupt ends the walk.
  std::optional<Result<RecordView>> next();

  [[nodiscard]] const BatchHeader& header() const { return header_; }

 private:
  BatchReader(const BatchHeader& header, Buffer unpacked, Bytes records);
  Result<RecordView> take_next();

  BatchHeader header_;
  Buffer unpacked_;
  Bytes left_;  // of the batch or of unpacked_
  std::int32_t records_left_ = 0;
  std::int32_t last_delta_ = -1;
};

}  // namespace xylem
