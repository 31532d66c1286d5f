#include "network/http/head_rules.h"

#include <algorithm>

namespace xylem::network {
namespace {

std::unexpected<HttpRefusal> refuse(int status, std::string why) {
  return std::unexpected(HttpRefusal{status, std::move(why)});
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

std::expected<void, HttpRefusal> check_head_lines(std::string_view head, std::size_t headers_max) {
  std::size_t lines = 0;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    if (end == std::string_view::npos) return refuse(400, "a line of the head is not ended");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty() && !head.empty()) return refuse(400, "an empty line before the request");
    if (line.starts_with(' ') || line.starts_with('\t')) return refuse(400, "a folded header");
    if (std::ranges::any_of(line, is_control))
      return refuse(400, "a control character, bare CR or bare LF in the head");
    ++lines;
  }
  if (lines > headers_max + 2) return refuse(431, "too many headers");  // + first and empty line
  return {};
}

std::expected<RequestTarget, HttpRefusal> split_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto path = target.find_first_of("/?", scheme.size());
    target = path == std::string_view::npos ? "/" : target.substr(path);
    break;
  }
  if (!target.starts_with('/')) return refuse(400, "the request target is not a path");
  if (target.find('#') != std::string_view::npos) return refuse(400, "a fragment in the target");
  const auto question = target.find('?');
  if (question == std::string_view::npos) return RequestTarget{target, {}};
  return RequestTarget{target.substr(0, question), target.substr(question + 1)};
}

}  // namespace xylem::network
