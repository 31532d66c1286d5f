// A record as one JSON object: the shape that consume, the message browser and consumer-app share.
//
//   {"topic","partition","offset","epoch","timestamp","key","value","headers"}
//
// Key and value are text when they are valid UTF-8, else base64 with "keyEncoding" or "encoding"
// set to "base64". A null stays null. `headers` is an object; a value that is not text is
// {"base64": "..."}; of a repeated name the last counts.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem {

struct RecordFields {
  std::string_view topic;
  PartitionId partition;
  Offset offset;
  Epoch epoch;
  std::int64_t timestamp_ms = 0;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::string_view headers = "{}";  // JSON, as headers_json gives it
};

std::string record_json(const RecordFields& fields);

// `header` is that of the record's batch.
std::string record_json(std::string_view topic,
                        PartitionId partition,
                        const BatchHeader& header,
                        const RecordView& record);

std::string headers_json(const std::vector<HeaderView>& headers);

// Appends `bytes` as a JSON string, base64 where they are no text; true: base64.
bool append_json_bytes(Bytes bytes, std::string& out);

}  // namespace xylem
