#include "registry/page_api.h"

#include "registry/assets.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace xylem::registry {

using network::HttpReply;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kAskAgain = "no-cache";
constexpr std::string_view kKeepForEver = "public, max-age=31536000, immutable";

void send(std::span<const Asset> assets,
          std::string_view path,
          std::string_view caching,
          const HttpRequest& request,
          HttpReply& reply) {
  const auto asset = std::ranges::find(assets, path, &Asset::path);
  if (asset == assets.end())
    return reply.send_error(Error(Errc::kNotFound, "no file " + std::string(path)));
  HttpResponse response{.content_type = std::string(asset->content_type)};
  response.headers.emplace_back("etag", asset->etag);
  response.headers.emplace_back("cache-control", caching);
  response.headers.emplace_back("content-security-policy", kPagePolicy);
  if (request.header("if-none-match") == asset->etag) {
    response.status = 304;
  } else {
    response.body.push_back({.owner = nullptr, .bytes = asset->bytes});
  }
  reply.send(std::move(response));
}

}  // namespace

void add_pages(Routes& routes) {
  routes.add("GET", "/", [](const HttpRequest& request, const HttpReplyPtr& reply) {
    send(dashboard_assets(), "/index.html", kAskAgain, request, *reply);
  });
  routes.add("GET", "/assets/{file}", [](const HttpRequest& request, const HttpReplyPtr& reply) {
    const auto path = "/assets/" + request.path_args.at("file");
    send(dashboard_assets(), path, kKeepForEver, request, *reply);
  });
  routes.add("GET", "/openapi.json", [](const HttpRequest& request, const HttpReplyPtr& reply) {
    send(api_assets(), "/openapi.json", kAskAgain, request, *reply);
  });
}

}  // namespace xylem::registry
