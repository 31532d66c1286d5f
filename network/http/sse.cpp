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

void append_sse_event(std::string_view event,
                      std::string_view data,
                      std::string_view id,
                      std::string& out) {
  if (!id.empty()) add_field("id", id, out);
  if (!event.empty()) add_field("event", event, out);
  for (;;) {
    const auto end = data.find('\n');
    auto line = data.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    add_field("data", line, out);
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  out += '\n';
}

Slice sse_event(std::string_view event, std::string_view data, std::string_view id) {
  std::string text;
  append_sse_event(event, data, id, text);
  return Slice::copy(bytes_of(text));
}

}  // namespace xylem::network
