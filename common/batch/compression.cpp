#include "common/batch/compression.h"

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
  if (compression == Compression::kNone) return Buffer(plain.begin(), plain.end());
  return fail(Errc::kInvalidRequest, "unknown compression");
}

Result<Buffer> decompress(Compression compression, Bytes packed, std::size_t bytes_max) {
  if (compression != Compression::kNone) return fail(Errc::kInvalidRequest, "unknown compression");
  if (packed.size() > bytes_max) return fail(Errc::kCorrupt, "more bytes than allowed");
  return Buffer(packed.begin(), packed.end());
}

}  // namespace xylem
