// A record that came by HTTP: JSON in, Record out.
//
//   {"key":"k"|null,"value":"v"|null,"headers":{"a":"b"},"partition":0,"timestamp":ms,
//    "keyEncoding":"base64","valueEncoding":"base64","dueAt":ms}
//
// "dueAt" is the header xylem-due-at [common/batch/due_time.h].
// A null or absent value is a tombstone and needs a key. Errors: kInvalidRequest names the field.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

struct JsonMessage {
  Record record;
  std::optional<PartitionId> partition;
};

struct JsonProduce {
  std::string topic;
  std::vector<Result<JsonMessage>> messages;
};

// {"topic":..., "acks":"all|leader|none", message fields...}; the answer always waits for the
// commit. `now_ms` is the timestamp of those without one.
Result<JsonProduce> message_from_json(std::string_view json, std::int64_t now_ms);

// {"topic":..., "messages":[...]}: a bad message is an error of its own.
Result<JsonProduce> messages_from_json(std::string_view json, std::int64_t now_ms);

}  // namespace xylem::broker
