#include "registry/node_api.h"

#include "registry/documents.h"

#include <utility>

namespace xylem::registry {

using network::HttpReply;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

NodeId id_of(const HttpRequest& request) { return request.path_args.at("id"); }

}  // namespace

NodeApi::NodeApi(Routes& routes,
                 RegistryService& service,
                 const RefreshJobs& refreshes,
                 Metrics& metrics,
                 Logger& logger)
    : service_(service),
      refreshes_(refreshes),
      logger_(logger),
      metrics_(metrics),
      heartbeats_(metrics.counter("xylem_registry_heartbeats_total",
                                  "Registrations and heartbeats taken")) {
  const auto tree = [this](const HttpRequest&, const HttpReplyPtr& reply) {
    reply->send(HttpResponse::json(200, tree_document(service_)));
  };
  routes.add("GET", "/api/v1/tree", tree);
  routes.add("GET", "/api/v1/nodes", tree);
  routes.add(
      "GET", "/api/v1/nodes/{id}",
      [this](const HttpRequest& request, const HttpReplyPtr& reply) { get(request, *reply); });
  routes.add(
      "PUT", "/api/v1/nodes/{id}",
      [this](const HttpRequest& request, const HttpReplyPtr& reply) { put(request, *reply); });
  routes.add(
      "DELETE", "/api/v1/nodes/{id}",
      [this](const HttpRequest& request, const HttpReplyPtr& reply) { remove(request, *reply); });
}

void NodeApi::put(const HttpRequest& request, HttpReply& reply) {
  const NodeId id = id_of(request);
  auto report = decode_node_report(request.body);
  if (!report) return refuse(id, report.error(), reply);
  const bool is_new = service_.nodes().find(id) == nullptr;
  if (auto taken = service_.report(id, *std::move(report)); !taken)
    return refuse(id, taken.error(), reply);
  heartbeats_.add();
  auto assignment = service_.assignment_of(id);
  if (!assignment) return reply.send_error(assignment.error());
  if (is_new)
    logger_.info("node.registered", {{"id", id},
                                     {"role", to_string(assignment->node->role)},
                                     {"location", assignment->node->report.location.text()},
                                     {"peer", request.peer}});
  const auto document = topology_document(service_, *assignment, refreshes_.orders_for(id));
  auto response = HttpResponse::json(200, document.json);
  response.headers.emplace_back("etag", document.etag);
  reply.send(std::move(response));
}

void NodeApi::remove(const HttpRequest& request, HttpReply& reply) {
  const NodeId id = id_of(request);
  const auto instance = request.argument("instance");
  const bool leaves = !instance.empty();
  auto done = leaves ? service_.leave(id, instance) : service_.forget(id);
  if (!done) return reply.send_error(done.error());
  logger_.info(leaves ? "node.left" : "node.forgotten", {{"id", id}, {"peer", request.peer}});
  reply.send({.status = 204});
}

void NodeApi::get(const HttpRequest& request, HttpReply& reply) const {
  const NodeId id = id_of(request);
  const NodeEntry* node = service_.nodes().find(id);
  if (node == nullptr) return reply.send_error(Error(Errc::kNotFound, "no node " + id));
  reply.send(HttpResponse::json(200, node_document(service_, *node)));
}

void NodeApi::refuse(const NodeId& id, const Error& why, HttpReply& reply) {
  metrics_
      .counter("xylem_registry_refused_total", "Registrations and heartbeats refused",
               {{"code", std::string(to_string(why.code()))}})
      .add();
  logger_.warn("node.refused",
               {{"id", id}, {"code", to_string(why.code())}, {"error", why.what()}});
  reply.send_error(why);
}

}  // namespace xylem::registry
