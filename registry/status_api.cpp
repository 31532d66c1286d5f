#include "registry/status_api.h"

#include <array>
#include <cstddef>
#include <utility>

namespace xylem::registry {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

constexpr std::size_t kHealthCount = 3;

struct NodeGauges {
  std::array<std::array<Gauge*, kHealthCount>, kRoleCount> nodes{};
  Gauge* version = nullptr;

  explicit NodeGauges(Metrics& metrics) {
    for (std::size_t role = 0; role < kRoleCount; ++role)
      for (std::size_t health = 0; health < kHealthCount; ++health)
        nodes.at(role).at(health) =
            &metrics.gauge("xylem_registry_nodes", "Nodes in the fleet, by role and shown health",
                           {{"role", std::string(to_string(static_cast<Role>(role)))},
                            {"health", std::string(to_string(static_cast<Health>(health)))}});
    version = &metrics.gauge("xylem_registry_topology_version", "Version of the topology");
  }

  void read(const RegistryService& service) const {
    std::array<std::array<int, kHealthCount>, kRoleCount> counts{};
    for (const auto& [id, node] : service.nodes().entries())
      ++counts.at(static_cast<std::size_t>(node.role))
            .at(static_cast<std::size_t>(node.shown_health()));
    for (std::size_t role = 0; role < kRoleCount; ++role)
      for (std::size_t health = 0; health < kHealthCount; ++health)
        nodes.at(role).at(health)->set(counts.at(role).at(health));
    version->set(static_cast<double>(service.topology_version()));
  }
};

}  // namespace

void add_status(Routes& routes,
                Metrics& metrics,
                const RegistryService& service,
                std::function<Status()> ready) {
  routes.add("GET", "/healthz", [](const HttpRequest&, const HttpReplyPtr& reply) {
    reply->send(HttpResponse::json(200, R"({"status":"ok"})"));
  });
  routes.add("GET", "/readyz",
             [ready = std::move(ready)](const HttpRequest&, const HttpReplyPtr& reply) {
               if (auto good = ready(); !good) return reply->send_error(good.error());
               reply->send(HttpResponse::json(200, R"({"status":"ready"})"));
             });
  routes.add("GET", "/metrics",
             [&metrics, &service, gauges = NodeGauges(metrics)](const HttpRequest&,
                                                                const HttpReplyPtr& reply) {
               gauges.read(service);
               auto response = HttpResponse::text(200, metrics.text());
               response.content_type = "text/plain; version=0.0.4; charset=utf-8";
               reply->send(std::move(response));
             });
}

}  // namespace xylem::registry
