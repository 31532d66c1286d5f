// The head of an answer as bytes.
#pragma once

#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace xylem::network {

// How a peer sees where the body ends.
struct BodyFraming {
  std::optional<std::size_t> content_length;
  bool is_chunked = false;
  bool closes = false;       // "Connection: close"
  bool keeps_alive = false;  // said to HTTP/1.0 only
};

// Control characters in header values become spaces: no value can end the head.
std::string response_head(const HttpResponse& response, const BodyFraming& framing);

// 1xx, 204 and 304 never have a body.
bool has_no_body(int status) noexcept;

}  // namespace xylem::network
