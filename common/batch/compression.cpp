#include "common/batch/compression.h"

#include "common/batch/codecs.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace xylem {
namespace {

constexpr std::array<std::pair<Compression, std::string_view>, 5> kNames{{
    {Compression::kNone, "none"},
    {Compression::kGzip, "gzip"},
    {Compression::kSnappy, "snappy"},
    {Compression::kLz4, "lz4"},
    {Compression::kZstd, "zstd"},
}};

}  // namespace

Result<Compression> compression_of(std::string_view name) {
  for (const auto& [compression, known] : kNames) {
    if (known == name) return compression;
  }
  return fail(Errc::kInvalidRequest, "unknown compression " + std::string(name),
              "one of none, gzip, snappy, lz4, zstd");
}

std::string_view to_string(Compression compression) noexcept {
  for (const auto& [known, name] : kNames) {
    if (known == compression) return name;
  }
  return "unknown";
}

Result<Buffer> compress(Compression compression, Bytes plain) {
  if (plain.size() > kCodecBytesMax) return fail(Errc::kInvalidRequest, "too much to compress");
  switch (compression) {
    case Compression::kNone:
      return Buffer(plain.begin(), plain.end());
    case Compression::kGzip:
      return codecs::pack_gzip(plain);
    case Compression::kSnappy:
      return codecs::pack_snappy(plain);
    case Compression::kLz4:
      return codecs::pack_lz4(plain);
    case Compression::kZstd:
      return codecs::pack_zstd(plain);
  }
  return fail(Errc::kInvalidRequest, "unknown compression");
}

Result<Buffer> decompress(Compression compression, Bytes packed, std::size_t bytes_max) {
  if (packed.size() > kCodecBytesMax) return fail(Errc::kInvalidRequest, "too much to decompress");
  const auto limit = std::min({bytes_max, unpacked_bytes_max(packed.size()), kCodecBytesMax});
  switch (compression) {
    case Compression::kNone:
      if (packed.size() > limit) return fail(Errc::kCorrupt, "more bytes than allowed");
      return Buffer(packed.begin(), packed.end());
    case Compression::kGzip:
      return codecs::unpack_gzip(packed, limit);
    case Compression::kSnappy:
      return codecs::unpack_snappy(packed, limit);
    case Compression::kLz4:
      return codecs::unpack_lz4(packed, limit);
    case Compression::kZstd:
      return codecs::unpack_zstd(packed, limit);
  }
  return fail(Errc::kInvalidRequest, "unknown compression");
}

}  // namespace xylem
