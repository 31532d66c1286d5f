#include "registry/page_api.h"

#include "registry/assets.h"

#include <span>
#include <string>
#include <utility>

namespace xylem::registry {

using network::HttpReply;
using network::HttpReplyPtr;
using network::HttpRequest;

namespace {

constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kAskAgain = "no-cache";
constexpr std::string_view kKeepForEver = "public, max-age=31536000, immutable";

void send(std::span<const network::Asset> assets,
          std::string_view path,
          std::string_view caching,
          const HttpRequest& request,
          HttpReply& reply) {
  const auto* asset = network::find_asset(assets, path);
  if (asset == nullptr)
    return reply.send_error(Error(Errc::kNotFound, "no file " + std::string(path)));
  auto response = network::asset_response(*asset, caching, request);
  response.headers.emplace_back("content-security-policy", kPagePolicy);
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
