// Files that are part of a program, and how they are sent.
//
// Threads: any; constant.
#pragma once

#include "common/bytes.h"
#include "network/http/http_server.h"

#include <span>
#include <string_view>

namespace xylem::network {

struct Asset {
  std::string_view path;  // "/index.html"
  std::string_view content_type;
  std::string_view etag;  // in quotes
  Bytes bytes;
};

// Null: no such file.
const Asset* find_asset(std::span<const Asset> assets, std::string_view path);

// Its content, or 304 where the request's If-None-Match says that it is known.
HttpResponse asset_response(const Asset& asset,
                            std::string_view cache_control,
                            const HttpRequest& request);

}  // namespace xylem::network
