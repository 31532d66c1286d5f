// A moment as people type it: "2026-11-22T10:00:00Z" (UTC), "90m" (so long ago), or milliseconds
// since 1970.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string>

namespace xylem {

// In milliseconds since 1970, never below 0. kInvalidRequest: none of these.
Result<std::int64_t> parse_point_in_time(const std::string& text, std::int64_t now_ms);

}  // namespace xylem
