// Zig-zag varints, as in Protocol Buffers: the small numbers inside a record.
#pragma once

#include "common/bytes.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem {

namespace varint_detail {

// Up to `bits` bits of payload; nullopt: cut short, or more bits than that.
inline std::optional<std::uint64_t> take(Bytes& left, unsigned bits) noexcept {
  std::uint64_t value = 0;
  std::size_t used = 0;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    if (used == left.size()) return std::nullopt;
    const auto byte = std::to_integer<std::uint64_t>(left[used++]);
    const auto payload = byte & 0x7fU;
    if (bits - shift < 7 && payload >> (bits - shift) != 0) return std::nullopt;
    value |= payload << shift;
    if (byte < 0x80U) {
      left = left.subspan(used);
      return value;
    }
  }
  return std::nullopt;
}

constexpr std::int64_t unzigzag(std::uint64_t raw) noexcept {
  return static_cast<std::int64_t>((raw >> 1U) ^ (0 - (raw & 1U)));
}

constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}

}  // namespace varint_detail

// The number at the head of `left`, which moves past it. nullopt, and `left` unmoved: it is cut
// short or does not fit. Padded forms (0x80 0x00) within the type's width are numbers too.
inline std::optional<std::int32_t> take_varint(Bytes& left) noexcept {
  const auto raw = varint_detail::take(left, 32);
  if (!raw) return std::nullopt;
  return static_cast<std::int32_t>(varint_detail::unzigzag(*raw));
}

inline std::optional<std::int64_t> take_varlong(Bytes& left) noexcept {
  const auto raw = varint_detail::take(left, 64);
  if (!raw) return std::nullopt;
  return varint_detail::unzigzag(*raw);
}

[[nodiscard]] constexpr std::size_t varint_bytes(std::int64_t value) noexcept {
  const auto bits = static_cast<std::size_t>(std::bit_width(varint_detail::zigzag(value) | 1U));
  return (bits + 6) / 7;
}

// Writes varint_bytes(value) bytes and returns the place after them.
inline std::byte* put_varint(std::int64_t value, std::byte* out) noexcept {
  auto raw = varint_detail::zigzag(value);
  for (; raw >= 0x80U; raw >>= 7U) *out++ = static_cast<std::byte>((raw & 0x7fU) | 0x80U);
  *out++ = static_cast<std::byte>(raw);
  return out;
}

}  // namespace xylem
