// This process and its machine, as the system tells.
#pragma once

#include <cstdint>
#include <string>

namespace xylem {

// Resident memory; 0 where it cannot be read.
[[nodiscard]] std::int64_t resident_bytes();

// The machine's host name; "localhost" where it has none.
[[nodiscard]] std::string host_name();

}  // namespace xylem
