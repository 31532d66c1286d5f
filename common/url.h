// The little of RFC 3986 that we need: where an http:// server is, and percent-encoding.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem {

struct HttpAddress {
  std::string host;  // an IPv6 address without its brackets
  std::uint16_t port = 80;
};

// http://host, http://host:port, http://[ipv6]:port, each with or without a final '/'.
// kInvalidRequest: anything else.
Result<HttpAddress> parse_base_url(std::string_view url);

// "a b/c" -> "a%20b%2Fc": all but the unreserved characters.
std::string percent_encode(std::string_view text);

// kInvalidRequest: a '%' without two hexadecimal digits, or a NUL, be it encoded or not.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace xylem
