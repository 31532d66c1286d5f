#include "network/http/asset.h"

#include <algorithm>
#include <string>

namespace xylem::network {

const Asset* find_asset(std::span<const Asset> assets, std::string_view path) {
  const auto found = std::ranges::find(assets, path, &Asset::path);
  return found == assets.end() ? nullptr : &*found;
}

HttpResponse asset_response(const Asset& asset,
                            std::string_view cache_control,
                            const HttpRequest& request) {
  HttpResponse response{.content_type = std::string(asset.content_type)};
  response.headers.emplace_back("etag", asset.etag);
  response.headers.emplace_back("cache-control", cache_control);
  if (request.header("if-none-match") == asset.etag) {
    response.status = 304;
  } else {
    response.body.push_back({.owner = nullptr, .bytes = asset.bytes});
  }
  return response;
}

}  // namespace xylem::network
