// Files that are part of the program: the dashboard and the OpenAPI document, generated at build
// time by embed_assets.py.
//
// Threads: any; constant.
#pragma once

#include "common/bytes.h"

#include <span>
#include <string_view>

namespace xylem::registry {

struct Asset {
  std::string_view path;  // "/index.html"
  std::string_view content_type;
  std::string_view etag;  // in quotes
  Bytes bytes;
};

std::span<const Asset> dashboard_assets() noexcept;
std::span<const Asset> api_assets() noexcept;  // /openapi.json

}  // namespace xylem::registry
