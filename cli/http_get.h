// One GET at an admin HTTP or a registry. Blocks.
//
// Errors: those of HttpClient; kNotFound for a 404, kUnavailable for a 503, else kIo,
// with the problem document's detail (RFC 9457).
#pragma once

#include "common/result.h"

#include <string>

namespace xylem::cli {

Result<std::string> http_get(const std::string& base_url, const std::string& target);

}  // namespace xylem::cli
