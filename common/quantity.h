// Sizes and durations as people write them in settings and commands.
//
//   bytes      4096  64KiB  16MiB  1GiB  2TiB  512B
//   duration   50ms  10s  5m  2h  7d
//
// A negative number (say -1 for "no limit") and, of durations, a zero are written without a unit.
// Errors: kInvalidRequest for anything else, and for what does not fit 64 bits.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string_view>

namespace xylem {

Result<std::int64_t> parse_number(std::string_view text);  // decimal
Result<std::int64_t> parse_bytes(std::string_view text);
Result<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace xylem
