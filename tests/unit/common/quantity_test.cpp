#include "common/quantity.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace xylem {
namespace {

TEST_CASE("quantity: numbers") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("-17") == -17);
  CHECK(parse_number("9223372036854775807") == INT64_MAX);
  for (const std::string_view bad :
       {"", "-", "+1", " 1", "1 ", "1.5", "0x10", "1e3", "9223372036854775808"})
    CHECK(parse_number(bad).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("quantity: bytes") {
  CHECK(parse_bytes("4096") == 4096);
  CHECK(parse_bytes("512B") == 512);
  CHECK(parse_bytes("64KiB") == 65'536);
  CHECK(parse_bytes("64MiB") == 67'108'864);
  CHECK(parse_bytes("1GiB") == 1'073'741'824);
  CHECK(parse_bytes("2TiB") == 2'199'023'255'552);
  CHECK(parse_bytes("8388607TiB") == INT64_MAX - (std::int64_t{1} << 40) + 1);
  CHECK(parse_bytes("-1") == -1);
  for (const std::string_view bad :
       {"", "MiB", "1MB", "1mib", "1 MiB", "1.5GiB", "-1KiB", "8388608TiB", "1KiBKiB"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_bytes(bad));
    CHECK(parse_bytes(bad).error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("quantity: durations") {
  CHECK(parse_duration_ms("50ms") == 50);
  CHECK(parse_duration_ms("10s") == 10'000);
  CHECK(parse_duration_ms("5m") == 300'000);
  CHECK(parse_duration_ms("2h") == 7'200'000);
  CHECK(parse_duration_ms("7d") == 604'800'000);
  CHECK(parse_duration_ms("0") == 0);
  CHECK(parse_duration_ms("-1") == -1);
  for (const std::string_view bad :
       {"", "s", "5", "5M", "5 s", "1.5s", "-5s", "1w", "10sec", "106751991168d"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_duration_ms(bad));
    CHECK(parse_duration_ms(bad).error().code() == Errc::kInvalidRequest);
  }
}

}  // namespace
}  // namespace xylem
