// The first byte chooses the codec. The rest, unpacked: a value within the limits or an error; and
// packed: the same bytes when unpacked again, unless they shrank beyond the ratio.
#include "common/batch/compression.h"
#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::size_t kBytesMax = 1024ULL * 1024;
  const auto codec = static_cast<xylem::Compression>(data[0] % 5);
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const auto unpacked = xylem::decompress(codec, bytes, kBytesMax);
  const auto limit = std::min(kBytesMax, xylem::unpacked_bytes_max(bytes.size()));
  XYLEM_CHECK(!unpacked || unpacked->size() <= limit);
  const auto packed = xylem::compress(codec, bytes);
  XYLEM_CHECK(packed.has_value());
  const auto again = xylem::decompress(codec, *packed, bytes.size());
  const bool bomb = bytes.size() > xylem::unpacked_bytes_max(packed->size());
  XYLEM_CHECK(again.has_value() != bomb);
  XYLEM_CHECK(bomb || std::ranges::equal(*again, bytes));
  return 0;
}
