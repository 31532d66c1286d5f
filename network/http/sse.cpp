#include "network/http/http_server.h"

namespace xylem::network {
namespace {

void add_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' ? ' ' : c;
  out += '\n';
}

}  // namespace

Slice sse_event(std::string_view event, std::string_view data, std::string_view id) {
  std::string text;
  if (!id.empty()) add_field("id", id, text);
  if (!event.empty()) add_field("event", event, text);
  for (;;) {
    const auto end = data.find('\n');
    auto line = data.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    add_field("data", line, text);
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  text += '\n';
  return Slice::copy(bytes_of(text));
}

}  // namespace xylem::network
