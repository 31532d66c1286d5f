// The codecs a batch's records may be packed with, as Kafka frames them.
//
// gzip is RFC 1952; snappy is the xerial framing (and bare blocks are accepted); lz4 and zstd are
// their frame formats.
// Limits: unpacking refuses more than `bytes_max` bytes or a ratio over kRatioMax.
// Errors: kCorrupt (not what it says it is, or over a limit), kInvalidRequest (unknown codec).
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xylem {

enum class Compression : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

inline constexpr std::size_t kRatioMax = 200;

Result<Compression> compression_of(std::string_view name);  // none|gzip|snappy|lz4|zstd
[[nodiscard]] std::string_view to_string(Compression compression) noexcept;

Result<Buffer> compress(Compression compression, Bytes plain);
Result<Buffer> decompress(Compression compression, Bytes packed, std::size_t bytes_max);

}  // namespace xylem
