#include "network/transport/transport.h"

#include <charconv>

namespace xylem::network {
namespace {

constexpr std::size_t kHostMax = 253;  // characters of a DNS name

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [stopped, error] = std::from_chars(begin, end, port);
  if (text.empty() || error != std::errc{} || stopped != end)
    return fail(Errc::kInvalidRequest, "port \"" + std::string(text) + "\" is not 0..65535");
  return port;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return fail(Errc::kInvalidRequest, "address \"" + std::string(text) + "\" is not host:port");
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[]") != std::string_view::npos)
    return fail(Errc::kInvalidRequest, "an IPv6 host needs brackets: " + std::string(text));
  if (host.empty() || host.size() > kHostMax)
    return fail(Errc::kInvalidRequest, "address \"" + std::string(text) + "\" has no usable host");
  auto port = parse_port(text.substr(colon + 1));
  if (!port) return pass(port);
  return Address{std::string(host), *port};
}

std::string Address::text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace xylem::network
