// The codecs a batch's records may be packed with, as Kafka frames them.
//
// gzip is RFC 1952; snappy is the xerial framing (and bare blocks are accepted); lz4 and zstd are
// their frame formats.
// Limits: unpacking refuses more than `bytes_max` bytes, and more than unpacked_bytes_max() of what
// it is given: a ratio of kRatioMax, with kRatioFreeBytes allowed to anything. Neither memory nor
// time goes past what that allows, whatever a header claims. Both sides at most kCodecBytesMax.
// Threads: any.
// Errors: kCorrupt (not what it says it is, or over a limit), kInvalidRequest (unknown codec, or
// input over kCodecBytesMax).
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xylem {

enum class Compression : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

inline constexpr std::size_t kRatioMax = 200;
inline constexpr std::size_t kRatioFreeBytes = 64ULL * 1024;
inline constexpr std::size_t kCodecBytesMax = 1ULL * 1024 * 1024 * 1024;

[[nodiscard]] constexpr std::size_t unpacked_bytes_max(std::size_t packed_bytes) noexcept {
  return std::max(kRatioFreeBytes, packed_bytes * kRatioMax);
}

Result<Compression> compression_of(std::string_view name);  // none|gzip|snappy|lz4|zstd
[[nodiscard]] std::string_view to_string(Compression compression) noexcept;

Result<Buffer> compress(Compression compression, Bytes plain);
Result<Buffer> decompress(Compression compression, Bytes packed, std::size_t bytes_max);

}  // namespace xylem
