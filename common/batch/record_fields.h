// One record's fields as they lie in the bytes: what the deep check and the iterator share.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem {

struct RecordFields {
  std::int64_t timestamp_delta_ms = 0;
  std::int32_t offset_delta = 0;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::size_t header_count = 0;
  Bytes headers;  // encoded, each checked
};

// The record at the head of `left`, which moves past it; nothing is copied or allocated.
// kCorrupt: it is cut short or a field is impossible.
Result<RecordFields> take_record(Bytes& left);

// As above, for walks over many: into `fields`, whatever is in there. Null, or what is wrong.
const char* take_record(Bytes& left, RecordFields& fields) noexcept;

// The next header of RecordFields::headers.
HeaderView take_header(Bytes& headers);

}  // namespace xylem
