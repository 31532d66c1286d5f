#include "network/client/partitioner.h"

#include "common/check.h"

#include <cstddef>

namespace xylem::network {

namespace {

constexpr std::uint32_t kSeed = 0x9747b28c;
constexpr std::uint32_t kMultiplier = 0x5bd1e995;
constexpr std::uint32_t kShift = 24;

std::uint32_t byte_at(Bytes bytes, std::size_t at) noexcept {
  return std::to_integer<std::uint32_t>(bytes[at]);
}

}  // namespace

std::int32_t murmur2(Bytes bytes) noexcept {
  auto hash = kSeed ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    auto word = byte_at(bytes, at) | byte_at(bytes, at + 1) << 8U | byte_at(bytes, at + 2) << 16U |
                byte_at(bytes, at + 3) << 24U;
    word *= kMultiplier;
    word ^= word >> kShift;
    hash = hash * kMultiplier ^ word * kMultiplier;
  }
  const auto left = bytes.size() - at;
  if (left >= 3) hash ^= byte_at(bytes, at + 2) << 16U;
  if (left >= 2) hash ^= byte_at(bytes, at + 1) << 8U;
  if (left >= 1) hash = (hash ^ byte_at(bytes, at)) * kMultiplier;
  hash ^= hash >> 13U;
  hash *= kMultiplier;
  hash ^= hash >> 15U;
  return static_cast<std::int32_t>(hash);
}

PartitionId partition_by_key(Bytes key, std::int32_t partition_count) {
  XYLEM_CHECK(partition_count > 0);
  return PartitionId((murmur2(key) & 0x7fffffff) % partition_count);
}

}  // namespace xylem::network
