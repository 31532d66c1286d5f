#include "network/http/response_head.h"

namespace xylem::network {
namespace {

void add_header(std::string_view name, std::string_view value, std::string& head) {
  head += name;
  head += ": ";
  for (const char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  head += "\r\n";
}

}  // namespace

std::string response_head(const HttpResponse& response, const BodyFraming& framing) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += reason_phrase(response.status);
  head += "\r\n";
  if (!response.content_type.empty() && !has_no_body(response.status))
    add_header("Content-Type", response.content_type, head);
  if (framing.content_length)
    add_header("Content-Length", std::to_string(*framing.content_length), head);
  if (framing.is_chunked) add_header("Transfer-Encoding", "chunked", head);
  if (framing.closes)
    add_header("Connection", "close", head);
  else if (framing.keeps_alive)
    add_header("Connection", "keep-alive", head);
  for (const auto& [name, value] : response.headers) add_header(name, value, head);
  head += "\r\n";
  return head;
}

bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace xylem::network
