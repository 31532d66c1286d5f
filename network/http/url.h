// The query of a request target (RFC 3986; '+' is a space, as HTML forms have it).
//
// Errors: kInvalidRequest: a '%' without two hexadecimal digits, or a NUL.
#pragma once

#include "common/result.h"

#include <map>
#include <string>
#include <string_view>

namespace xylem::network {

// "a=1&b" -> {a: "1", b: ""}; the last of a repeated name wins.
Result<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace xylem::network
