#include "network/http/url.h"

#include "common/url.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

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
