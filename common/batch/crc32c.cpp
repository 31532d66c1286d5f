#include "common/batch/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

namespace xylem {
namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr std::uint32_t kPolynomial = 0x82f6'3b78;  // reflected

// kSlices[n][b] is the CRC of byte b followed by n zero bytes: eight bytes take eight look-ups.
constexpr std::array<Table, 8> make_slices() {
  std::array<Table, 8> slices{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    slices[0][byte] = crc;
  }
  for (std::size_t n = 1; n < slices.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto crc = slices[n - 1][byte];
      slices[n][byte] = (crc >> 8U) ^ slices[0][crc & 0xffU];
    }
  }
  return slices;
}

constexpr auto kSlices = make_slices();

std::uint32_t step(std::uint32_t crc, std::byte byte) noexcept {
  return (crc >> 8U) ^ kSlices[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU];
}

std::uint64_t load_le(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
  return word;
}

// A CRC is a polynomial, its highest power in the lowest bit; bytes behind it multiply it by x^8
// each. These are its products modulo the CRC's own polynomial, as in zlib's crc32_combine().
constexpr std::uint32_t kOne = 0x8000'0000;

constexpr std::uint32_t times_x(std::uint32_t a) noexcept {
  return (a >> 1U) ^ ((a & 1U) != 0 ? kPolynomial : 0U);
}

constexpr std::uint32_t times(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (auto power = kOne; power != 0; power >>= 1U, b = times_x(b))
    product ^= (a & power) != 0 ? b : 0U;
  return product;
}

using Powers = std::array<std::uint32_t, 64>;

// x^(8 * 2^n): the effect of 2^n zero bytes.
constexpr Powers make_powers() {
  Powers powers{};
  powers[0] = kOne >> 8U;
  for (std::size_t n = 1; n < powers.size(); ++n) powers[n] = times(powers[n - 1], powers[n - 1]);
  return powers;
}

constexpr auto kPowers = make_powers();

#if defined(__x86_64__)

// The same, less 32 powers: reducing a product by the CRC instruction adds as many.
constexpr Powers make_powers_less_32() {
  auto powers = kPowers;
  for (auto& power : powers) {
    for (int i = 0; i < 32; ++i)
      power = (power & kOne) != 0 ? (power ^ kPolynomial) << 1U | 1U : power << 1U;
  }
  return powers;
}

constexpr auto kPowersLess32 = make_powers_less_32();

[[gnu::target("sse4.2,pclmul")]] std::uint32_t joined_pclmul(std::uint32_t first,
                                                             std::uint32_t second,
                                                             std::size_t second_bytes) noexcept {
  for (std::size_t n = 0; second_bytes != 0; second_bytes >>= 1U, ++n) {
    if ((second_bytes & 1U) == 0) continue;
    const auto product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128(first), _mm_cvtsi64_si128(kPowersLess32[n]), 0);
    const auto wide = static_cast<std::uint64_t>(_mm_cvtsi128_si64(product)) << 1U;
    first = static_cast<std::uint32_t>(_mm_crc32_u64(0, wide));
  }
  return first ^ second;
}

// The instruction takes three cycles but starts every cycle, so long input runs in three stripes
// whose CRCs are then joined: shift the first over the length of the next and xor.
constexpr std::size_t kLongStripe = 2'048;  // bytes
constexpr std::size_t kShortStripe = 256;

// The effect of `zeroes` zero bytes on a CRC, by each of its four bytes (it is linear).
using Shift = std::array<Table, 4>;

constexpr Shift make_shift(std::size_t zeroes) {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::size_t bit = 0; bit < of_bit.size(); ++bit) {
    auto crc = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < zeroes; ++i) crc = (crc >> 8U) ^ kSlices[0][crc & 0xffU];
    of_bit[bit] = crc;
  }
  Shift shift{};
  for (std::size_t place = 0; place < shift.size(); ++place) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      for (std::size_t bit = 0; bit < 8; ++bit) {
        if ((byte >> bit & 1U) != 0) shift[place][byte] ^= of_bit[place * 8 + bit];
      }
    }
  }
  return shift;
}

constexpr auto kLongShift = make_shift(kLongStripe);
constexpr auto kShortShift = make_shift(kShortStripe);

std::uint64_t shifted(const Shift& shift, std::uint64_t crc) noexcept {
  return shift[0][crc & 0xffU] ^ shift[1][crc >> 8U & 0xffU] ^ shift[2][crc >> 16U & 0xffU] ^
         shift[3][crc >> 24U & 0xffU];
}

[[gnu::target("sse4.2")]] std::uint64_t three_stripes(std::uint64_t crc,
                                                      const std::byte*& at,
                                                      std::size_t stripe,
                                                      const Shift& shift) noexcept {
  std::uint64_t second = 0;
  std::uint64_t third = 0;
  for (const auto* const end = at + stripe; at != end; at += 8) {
    crc = _mm_crc32_u64(crc, load_le(at));
    second = _mm_crc32_u64(second, load_le(at + stripe));
    third = _mm_crc32_u64(third, load_le(at + 2 * stripe));
  }
  at += 2 * stripe;
  return shifted(shift, shifted(shift, crc) ^ second) ^ third;
}

[[gnu::target("sse4.2")]] std::uint32_t crc32c_sse42(Bytes bytes, std::uint32_t start) noexcept {
  std::uint64_t crc = ~start;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= 3 * kLongStripe; left -= 3 * kLongStripe)
    crc = three_stripes(crc, at, kLongStripe, kLongShift);
  for (; left >= 3 * kShortStripe; left -= 3 * kShortStripe)
    crc = three_stripes(crc, at, kShortStripe, kShortShift);
  for (; left >= 8; left -= 8, at += 8) crc = _mm_crc32_u64(crc, load_le(at));
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, std::to_integer<unsigned char>(*at));
  return ~narrow;
}

#endif

using Crc = std::uint32_t (*)(Bytes, std::uint32_t) noexcept;

Crc best() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") != 0) return crc32c_sse42;
#endif
  return crc32c_portable;
}

using Joined = std::uint32_t (*)(std::uint32_t, std::uint32_t, std::size_t) noexcept;

Joined best_joined() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0)
    return joined_pclmul;
#endif
  return crc32c_joined_portable;
}

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t crc) noexcept {
  static const Crc kChosen = best();
  return kChosen(bytes, crc);
}

std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc) noexcept {
  crc = ~crc;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const auto word = load_le(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kSlices[7 - i][word >> (8 * i) & 0xffU];
  }
  for (; left > 0; --left, ++at) crc = step(crc, *at);
  return ~crc;
}

std::uint32_t crc32c_joined(std::uint32_t first,
                            std::uint32_t second,
                            std::size_t second_bytes) noexcept {
  static const Joined kChosen = best_joined();
  return kChosen(first, second, second_bytes);
}

std::uint32_t crc32c_joined_portable(std::uint32_t first,
                                     std::uint32_t second,
                                     std::size_t second_bytes) noexcept {
  for (std::size_t n = 0; second_bytes != 0; second_bytes >>= 1U, ++n)
    if ((second_bytes & 1U) != 0) first = times(kPowers[n], first);
  return first ^ second;
}

}  // namespace xylem
