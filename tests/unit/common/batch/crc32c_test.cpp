#include "common/batch/crc32c.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem {
namespace {

TEST_CASE("crc32c: the published values") {  // RFC 3720 B.4 and the usual check string
  for (const auto crc : {crc32c, crc32c_portable}) {
    CHECK(crc(bytes_of(""), 0) == 0);
    CHECK(crc(bytes_of("123456789"), 0) == 0xe306'9283);
    CHECK(crc(bytes_of(std::string(32, '\0')), 0) == 0x8a91'36aa);
    CHECK(crc(bytes_of(std::string(32, '\xff')), 0) == 0x62a8'ab43);
    std::string up;
    for (char c = 0; c < 32; ++c) up += c;
    CHECK(crc(bytes_of(up), 0) == 0x46dd'794e);
  }
}

TEST_CASE("crc32c: both twins agree on every alignment, length and split") {
  Random random(7);
  Buffer bytes(20'000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.below(256));
  const Bytes all(bytes);
  for (int round = 0; round < 3'000; ++round) {
    // Short ones around each code path's edges as often as long ones.
    const auto count = random.below(round % 2 == 0 ? 64 : 15'000);
    const auto part = all.subspan(random.below(all.size() - count), count);
    const auto start = static_cast<std::uint32_t>(random.next());
    const auto whole = crc32c_portable(part, start);
    CAPTURE(count);
    REQUIRE(crc32c(part, start) == whole);
    const auto cut = random.below(count + 1);
    REQUIRE(crc32c(part.subspan(cut), crc32c(part.first(cut), start)) == whole);
  }
}

TEST_CASE("crc32c: of two parts from the CRC of each") {
  for (const auto joined : {crc32c_joined, crc32c_joined_portable}) {
    CHECK(joined(crc32c(bytes_of("12345")), crc32c(bytes_of("6789")), 4) == 0xe306'9283);
    CHECK(joined(crc32c(bytes_of("123456789")), 0, 0) == 0xe306'9283);
    CHECK(joined(0, 0xe306'9283, 9) == 0xe306'9283);
    const std::string zeroes(31, '\0');  // behind one more
    CHECK(joined(crc32c(bytes_of({zeroes.data(), 1})), crc32c(bytes_of(zeroes)), 31) ==
          0x8a91'36aa);
    // Sizes far beyond what can be made here: the shift by n and by m is the one by n + m.
    for (const auto bytes : {std::size_t{1} << 20U, (std::size_t{1} << 40U) + 12'345}) {
      const auto once = joined(joined(0xe306'9283, 0, bytes), 0, 77);
      CHECK(once == joined(0xe306'9283, 0, bytes + 77));
    }
  }
  Random random(8);
  Buffer bytes(100'000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.below(256));
  for (int round = 0; round < 2'000; ++round) {
    const auto all = Bytes(bytes).first(random.below(bytes.size()) >> random.below(16));
    const auto cut = random.below(all.size() + 1);
    const auto first = crc32c(all.first(cut));
    const auto rest = all.subspan(cut);
    CAPTURE(rest.size());
    for (const auto joined : {crc32c_joined, crc32c_joined_portable}) {
      REQUIRE(joined(first, crc32c(rest), rest.size()) == crc32c(all));
      REQUIRE(joined(first, crc32c(all), rest.size()) == crc32c(rest));
    }
  }
}

}  // namespace
}  // namespace xylem
