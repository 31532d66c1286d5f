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

}  // namespace
}  // namespace xylem
