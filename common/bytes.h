// Bytes: views, owned buffers, shared slices, and big-endian integers in them.
//
// A `Slice` is a view that keeps what it looks at alive: a block of a log's tail, a mapped segment,
// a received frame. Copying one copies a pointer, never the bytes.
#pragma once

#include "common/check.h"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using Buffer = std::vector<std::byte>;

[[nodiscard]] inline Bytes bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Slice {
  std::shared_ptr<const void> owner;  // null: whoever made the slice guarantees the lifetime
  Bytes bytes;

  // Takes `buffer` over.
  static Slice own(Buffer buffer) {
    auto owned = std::make_shared<const Buffer>(std::move(buffer));
    const Bytes view(*owned);
    return {std::move(owned), view};
  }

  static Slice copy(Bytes bytes) { return own(Buffer(bytes.begin(), bytes.end())); }

  [[nodiscard]] Slice sub(std::size_t offset, std::size_t count) const {
    return {owner, bytes.subspan(offset, count)};
  }
};

// The integer at the head of `bytes`, big-endian. The caller has checked the size.
template <std::integral T>
[[nodiscard]] T load_be(Bytes bytes) noexcept {
  XYLEM_CHECK(bytes.size() >= sizeof(T));
  std::make_unsigned_t<T> value = 0;
  std::memcpy(&value, bytes.data(), sizeof(T));
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1)
    value = std::byteswap(value);
  return static_cast<T>(value);
}

template <std::integral T>
void store_be(T value, MutableBytes out) noexcept {
  XYLEM_CHECK(out.size() >= sizeof(T));
  auto raw = static_cast<std::make_unsigned_t<T>>(value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1)
    raw = std::byteswap(raw);
  std::memcpy(out.data(), &raw, sizeof(T));
}

template <std::integral T>
void append_be(T value, Buffer& out) {
  out.resize(out.size() + sizeof(T));
  store_be(value, MutableBytes(out).last(sizeof(T)));
}

inline void append(Bytes bytes, Buffer& out) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace xylem
