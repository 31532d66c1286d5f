// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the CPU's instruction where there is one.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>

namespace xylem {

// Continues `crc` (0 to start) over `bytes`.
[[nodiscard]] std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0) noexcept;

// The table-driven twin that runs on every CPU; equal to crc32c() on all input.
[[nodiscard]] std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc = 0) noexcept;

// The CRC of bytes that follow one another, from the CRC of each part: no byte is looked at, which
// takes as long as reading some 500 bytes. With the first part's CRC and that of both together it
// gives the second one's.
//   crc32c_joined(crc32c(a), crc32c(b), b.size()) == crc32c(a + b)
//   crc32c_joined(crc32c(a), crc32c(a + b), b.size()) == crc32c(b)
[[nodiscard]] std::uint32_t crc32c_joined(std::uint32_t first,
                                          std::uint32_t second,
                                          std::size_t second_bytes) noexcept;

// The twin that runs on every CPU.
[[nodiscard]] std::uint32_t crc32c_joined_portable(std::uint32_t first,
                                                   std::uint32_t second,
                                                   std::size_t second_bytes) noexcept;

}  // namespace xylem
