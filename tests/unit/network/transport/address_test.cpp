#include "network/transport/transport.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

TEST_CASE("address: host and port, also of IPv6") {
  const std::pair<const char*, Address> cases[] = {
      {"127.0.0.1:9092", {"127.0.0.1", 9092}},
      {"broker-1.example:0", {"broker-1.example", 0}},
      {"[::1]:65535", {"::1", 65535}},
  };
  for (const auto& [text, address] : cases) {
    CAPTURE(text);
    const auto parsed = Address::parse(text);
    REQUIRE(parsed);
    CHECK(*parsed == address);
    CHECK(address.text() == text);
  }
}

TEST_CASE("address: what is not one is refused") {
  for (const std::string& text :
       {std::string(""), std::string("host"), std::string(":80"), std::string("host:"),
        std::string("host:65536"), std::string("host:-1"), std::string("host:80x"),
        std::string("::1:80"), std::string("[]:80"), std::string("host: 80"),
        std::string(254, 'h') + ":80"}) {
    CAPTURE(text);
    const auto parsed = Address::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code() == Errc::kInvalidRequest);
  }
}

}  // namespace
}  // namespace xylem::network
