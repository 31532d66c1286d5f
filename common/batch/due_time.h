// When a record is to be delivered: its header `xylem-due-at`, milliseconds since 1970-01-01 UTC in
// decimal digits. It stays with the record for good.
//
// What producers say is "not before": a record without the header, or whose time has passed, is
// delivered at once.
#pragma once

#include "common/batch/record.h"
#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace xylem {

inline constexpr std::string_view kDueAtHeader = "xylem-due-at";
inline constexpr std::int64_t kDueAheadMsMax = 400LL * 24 * 60 * 60 * 1000;

// In place of what it had.
void set_due_at(Record& record, std::int64_t due_at_ms);

// nullopt: it has no such header. kInvalidRequest: the header is not a time. Of several the first
// counts.
Result<std::optional<std::int64_t>> due_at(const Record& record);
Result<std::optional<std::int64_t>> due_at(const RecordView& record);

// kInvalidRequest: further ahead than kDueAheadMsMax.
Status check_due_at(std::int64_t due_at_ms, std::int64_t now_ms);

}  // namespace xylem
