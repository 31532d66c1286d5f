#include "network/http/url.h"

#include <charconv>
#include <utility>

namespace xylem::network {

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const auto digits = text.substr(i + 1, 2);
    std::uint8_t value = 0;
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    const auto [stopped, error] = std::from_chars(begin, end, value, 16);
    if (digits.size() != 2 || error != std::errc{} || stopped != end || value == 0)
      return fail(Errc::kInvalidRequest, "bad percent-encoding in the request target");
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> arguments;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    if (!name) return pass(name);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!value) return pass(value);
    arguments.insert_or_assign(std::move(*name), std::move(*value));
  }
  return arguments;
}

}  // namespace xylem::network
