// Records out: what `xylem consume` writes, one record after the other.
//
//   ndjson  one JSON object a line (common/batch/record_json.h)
//   value   the value's bytes and a line end; a tombstone is an empty line
//   full    for people: topic/partition@offset, time, key, headers, value
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::cli {

enum class OutputKind : std::uint8_t { kNdjson, kValue, kFull };

Result<OutputKind> output_kind_of(std::string_view name);  // ndjson|value|full

// With its end of line. `header` is that of the record's batch.
std::string record_text(OutputKind kind,
                        std::string_view topic,
                        PartitionId partition,
                        const BatchHeader& header,
                        const RecordView& record);

[[nodiscard]] std::string utc_time(std::int64_t unix_ms);  // 2026-01-31T12:00:00.000Z

}  // namespace xylem::cli
