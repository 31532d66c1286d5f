#include "common/url.h"

#include <algorithm>
#include <charconv>

namespace xylem {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_unreserved(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::unexpected<Error> bad_url(std::string_view url) {
  return fail(Errc::kInvalidRequest, "\"" + std::string(url) + "\" is not http://host:port");
}

}  // namespace

Result<HttpAddress> parse_base_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  constexpr std::size_t kHostMax = 253;  // characters of a DNS name
  if (!url.starts_with(kScheme)) return bad_url(url);
  auto rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);

  HttpAddress address;
  const bool is_ipv6 = rest.starts_with('[');
  const auto host_end = is_ipv6 ? rest.find(']') : rest.find(':');
  if (is_ipv6 && host_end == std::string_view::npos) return bad_url(url);
  address.host = rest.substr(is_ipv6, host_end - is_ipv6);
  const bool is_host = std::ranges::all_of(
      address.host, [&](char c) { return is_unreserved(c) || (is_ipv6 && c == ':'); });
  if (address.host.empty() || address.host.size() > kHostMax || !is_host) return bad_url(url);

  rest.remove_prefix(
      std::min(rest.size(), host_end == std::string_view::npos ? rest.size() : host_end + is_ipv6));
  if (rest.empty()) return address;
  if (!rest.starts_with(':')) return bad_url(url);
  const auto* last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data() + 1, last, address.port);
  if (error != std::errc() || end != last || address.port == 0) return bad_url(url);
  return address;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xfU];
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  if (text.contains('\0')) return fail(Errc::kInvalidRequest, "a NUL in percent-encoded text");
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const auto digits = text.substr(i + 1, 2);
    unsigned char byte = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || byte == 0)
      return fail(Errc::kInvalidRequest, "a '%' needs two hexadecimal digits, and not 00");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace xylem
