// GET /api/v1/node, /healthz, /readyz, /metrics.
#include "broker/admin/admin_api.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

Json to_object(const NodeStatus& status) {
  auto json = Json::parse(to_json(status.report));
  json["nodeId"] = status.report.node;
  json["role"] = status.role;
  json["registry"] = status.registry;
  json["parents"] = status.parents;
  json["connections"] = status.connections;
  auto children = Json::array();
  for (const auto& child : status.children) {
    children.push_back({{"nodeId", child.node},
                        {"partitions", child.partitions},
                        {"idleMs", child.idle_ms},
                        {"bytesSent", child.bytes_sent}});
  }
  json["children"] = std::move(children);
  return json;
}

}  // namespace

void add_node_routes(network::HttpServer& server, AdminContext& context) {
  server.route("GET", "/api/v1/node", [&context](const HttpRequest&, const HttpReplyPtr& reply) {
    reply->send(HttpResponse::json(200, json_text(to_object(context.status()))));
  });
  server.route("GET", "/healthz", [](const HttpRequest&, const HttpReplyPtr& reply) {
    reply->send(HttpResponse::text(200, "alive\n"));
  });
  server.route("GET", "/readyz", [&context](const HttpRequest&, const HttpReplyPtr& reply) {
    const auto ready = context.ready();
    if (!ready) return reply->send_error(ready.error());
    reply->send(HttpResponse::text(200, "ready\n"));
  });
  server.route("GET", "/metrics", [&context](const HttpRequest&, const HttpReplyPtr& reply) {
    auto response = HttpResponse::text(200, context.client.metrics.text());
    response.content_type = "text/plain; version=0.0.4";
    reply->send(std::move(response));
  });
}

}  // namespace xylem::broker
