#include "registry/routes.h"

#include "registry/guarded_reply.h"

#include <utility>

namespace xylem::registry {
namespace {

using network::HttpReplyPtr;
using network::HttpRequest;

// A browser names the page's origin with every request that is not a plain navigation.
bool is_cross_origin(const HttpRequest& request) {
  const auto origin = request.header("origin");
  if (origin.empty()) return false;
  const auto scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ||
         origin.substr(scheme_end + 3) != request.header("host");
}

}  // namespace

void Routes::add(std::string_view method, std::string_view pattern, network::HttpHandler handler) {
  entries_.push_back({std::string(method), std::string(pattern)});
  auto& requests =
      metrics_.counter("xylem_registry_requests_total", "HTTP requests that reached a route",
                       {{"method", std::string(method)}, {"route", std::string(pattern)}});
  server_.route(method, pattern,
                [handler = std::move(handler), changes = method != "GET", &requests](
                    const HttpRequest& request, const HttpReplyPtr& reply) {
                  requests.add();
                  auto guarded = std::make_shared<GuardedReply>(reply);
                  if (changes && is_cross_origin(request))
                    return guarded->send_error(
                        Error(Errc::kUnauthorized, "a page of another origin may not change this"));
                  handler(request, std::move(guarded));
                });
}

}  // namespace xylem::registry
