// What a request's head must look like before it is parsed.
#pragma once

#include "network/http/request_parser.h"

#include <cstddef>
#include <expected>
#include <string_view>

namespace xylem::network {

// `head` ends with its empty line. Every line ends with CR LF, none is folded or holds a control
// character, and there are at most `headers_max` after the first.
std::expected<void, HttpRefusal> check_head_lines(std::string_view head, std::size_t headers_max);

// A request's target as path and query: origin form, or absolute form with its authority cut off.
struct RequestTarget {
  std::string_view path;
  std::string_view query;
};

std::expected<RequestTarget, HttpRefusal> split_target(std::string_view target);

}  // namespace xylem::network
