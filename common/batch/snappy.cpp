#include "common/batch/codecs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <snappy-c.h>

namespace xylem::codecs {
namespace {

// The xerial framing, which Java's clients write: magic, version i32, oldest reader's version i32,
// then blocks of [length i32][snappy block]. Source: SnappyOutputStream of snappy-java.
constexpr std::array<unsigned char, 8> kMagic{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0x00};
constexpr std::size_t kFrameHeaderBytes = 16;
constexpr std::size_t kBlockBytes = 32ULL * 1024;  // of plain bytes
constexpr std::int32_t kVersion = 1;

char* chars(MutableBytes bytes) noexcept { return reinterpret_cast<char*>(bytes.data()); }

const char* chars(Bytes bytes) noexcept { return reinterpret_cast<const char*>(bytes.data()); }

bool is_framed(Bytes packed) noexcept {
  const auto magic = std::as_bytes(std::span(kMagic));
  return packed.size() >= kFrameHeaderBytes &&
         std::ranges::equal(packed.first(magic.size()), magic);
}

Status unpack_block(Bytes block, std::size_t limit, Buffer& plain) {
  std::size_t bytes = 0;
  if (snappy_uncompressed_length(chars(block), block.size(), &bytes) != SNAPPY_OK)
    return fail(Errc::kCorrupt, "snappy: block length");
  if (bytes > limit - plain.size()) return fail(Errc::kCorrupt, "snappy: more bytes than allowed");
  const auto at = plain.size();
  plain.resize(at + bytes);
  if (snappy_uncompress(chars(block), block.size(), chars(MutableBytes(plain).subspan(at)),
                        &bytes) != SNAPPY_OK)
    return fail(Errc::kCorrupt, "snappy: malformed block");
  return {};
}

}  // namespace

Result<Buffer> pack_snappy(Bytes plain) {
  Buffer packed;
  append(std::as_bytes(std::span(kMagic)), packed);
  append_be(kVersion, packed);
  append_be(kVersion, packed);
  while (!plain.empty()) {
    const auto part = plain.first(std::min(plain.size(), kBlockBytes));
    plain = plain.subspan(part.size());
    const auto at = packed.size();
    auto bytes = snappy_max_compressed_length(part.size());
    packed.resize(at + sizeof(std::int32_t) + bytes);
    const auto room = MutableBytes(packed).subspan(at);
    const auto block = room.subspan(sizeof(std::int32_t));
    if (snappy_compress(chars(part), part.size(), chars(block), &bytes) != SNAPPY_OK)
      return fail(Errc::kIo, "snappy: did not pack");
    store_be(static_cast<std::int32_t>(bytes), room);
    packed.resize(at + sizeof(std::int32_t) + bytes);
  }
  return packed;
}

Result<Buffer> unpack_snappy(Bytes packed, std::size_t limit) {
  Buffer plain;
  if (!is_framed(packed)) {
    auto unpacked = unpack_block(packed, limit, plain);
    if (!unpacked) return pass(unpacked);
    return plain;
  }
  for (auto left = packed.subspan(kFrameHeaderBytes); !left.empty();) {
    if (left.size() < sizeof(std::int32_t)) return fail(Errc::kCorrupt, "snappy: cut short");
    const auto length = load_be<std::int32_t>(left);
    left = left.subspan(sizeof length);
    if (length < 0 || static_cast<std::size_t>(length) > left.size())
      return fail(Errc::kCorrupt, "snappy: frame length");
    const auto block = left.first(static_cast<std::size_t>(length));
    auto unpacked = unpack_block(block, limit, plain);
    if (!unpacked) return pass(unpacked);
    left = left.subspan(block.size());
  }
  return plain;
}

}  // namespace xylem::codecs
