// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the CPU's instruction where there is one.
#pragma once

#include "common/bytes.h"

#include <cstdint>

namespace xylem {

// Continues `crc` (0 to start) over `bytes`.
[[nodiscard]] std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0) noexcept;

// The table-driven twin that runs on every CPU; equal to crc32c() on all input.
[[nodiscard]] std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc = 0) noexcept;

}  // namespace xylem
