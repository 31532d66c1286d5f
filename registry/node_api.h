// PUT, GET and DELETE of /api/v1/nodes, and GET /api/v1/tree.
//
// Threads: the loop's.
#pragma once

#include "common/logger.h"
#include "common/metrics.h"
#include "registry/refresh/refresh_jobs.h"
#include "registry/registry_service.h"
#include "registry/routes.h"

namespace xylem::registry {

class NodeApi {
 public:
  NodeApi(Routes& routes,
          RegistryService& service,
          const RefreshJobs& refreshes,
          Metrics& metrics,
          Logger& logger);
  ~NodeApi() = default;
  NodeApi(const NodeApi&) = delete;
  NodeApi& operator=(const NodeApi&) = delete;

 private:
  void put(const network::HttpRequest& request, network::HttpReply& reply);
  void remove(const network::HttpRequest& request, network::HttpReply& reply);
  void get(const network::HttpRequest& request, network::HttpReply& reply) const;
  void refuse(const NodeId& id, const Error& why, network::HttpReply& reply);

  RegistryService& service_;
  const RefreshJobs& refreshes_;
  Logger& logger_;
  Metrics& metrics_;
  Counter& heartbeats_;
};

}  // namespace xylem::registry
