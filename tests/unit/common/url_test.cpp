#include "common/url.h"

#include <doctest/doctest.h>

namespace xylem {
namespace {

TEST_CASE("url: addresses of servers") {
  const auto check = [](std::string_view url, std::string_view host, std::uint16_t port) {
    CAPTURE(url);
    const auto address = parse_base_url(url);
    REQUIRE(address);
    CHECK(address->host == host);
    CHECK(address->port == port);
  };
  check("http://shop-1.example", "shop-1.example", 80);
  check("http://10.0.0.1:8080", "10.0.0.1", 8080);
  check("http://localhost:65535/", "localhost", 65535);
  check("http://[::1]:7081", "::1", 7081);
  check("http://[fe80::1]", "fe80::1", 80);
}

TEST_CASE("url: what is not an address") {
  for (const std::string_view url :
       {"", "host:80", "https://host", "http://", "http:///", "http://:80",
        "http://host:", "http://host:0", "http://host:65536", "http://host:8x", "http://host:-1",
        "http://host/path", "http://user@host", "http://ho st", "http://host\r\n", "http://[::1",
        "http://[::1]8", "http://[]:80", "http://::1"}) {
    CAPTURE(url);
    const auto address = parse_base_url(url);
    REQUIRE_FALSE(address);
    CHECK(address.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("url: percent-encoding keeps the unreserved characters alone") {
  CHECK(percent_encode("a b/c") == "a%20b%2Fc");
  CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
  CHECK(percent_encode("é+%") == "%C3%A9%2B%25");
  std::string every_byte;
  for (int byte = 1; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  CHECK(percent_decode(percent_encode(every_byte)) == every_byte);
}

TEST_CASE("url: percent-decoding") {
  CHECK(percent_decode("a%2fb%2Fc+d") == "a/b/c+d");
  CHECK(percent_decode("").value().empty());
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  CHECK(percent_decode("%e2%82%AC") == "\xE2\x82\xAC");
  using namespace std::string_view_literals;
  for (const auto bad :
       {"%"sv, "a%"sv, "%4"sv, "%4g"sv, "%g4"sv, "%-1"sv, "% 1"sv, "%%41"sv, "%00"sv, "a\0b"sv}) {
    CAPTURE(bad);
    const auto decoded = percent_decode(bad);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == Errc::kInvalidRequest);
  }
}

}  // namespace
}  // namespace xylem
