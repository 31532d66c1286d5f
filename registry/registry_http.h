// The registry's HTTP side: the server and every API on it.
//
// Threads: the loop's.
#pragma once

#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "network/http/http_server.h"
#include "registry/event_stream.h"
#include "registry/node_api.h"
#include "registry/refresh/refresh_api.h"
#include "registry/registry_service.h"
#include "registry/routes.h"
#include "registry/topic_proxy.h"
#include "registry/topology_api.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace xylem::registry {

class RegistryHttp {
 public:
  struct Context {
    Loop& loop;
    RegistryService& service;
    RefreshJobs& refreshes;
    Metrics& metrics;
    Logger& logger;
  };

  // `ready`: see add_status.
  RegistryHttp(const Context& context, std::function<Status()> ready);

  // Port 0: any free one; the answer is the port it got.
  Result<std::uint16_t> listen(const network::Address& address) { return server_.listen(address); }

  [[nodiscard]] const std::vector<Routes::Entry>& routes() const noexcept {
    return routes_.entries();
  }

  [[nodiscard]] const TopologyApi& topology() const noexcept { return topology_; }

  [[nodiscard]] const EventStream& events() const noexcept { return events_; }

 private:
  network::HttpServer server_;
  Routes routes_;
  NodeApi nodes_;
  TopologyApi topology_;
  EventStream events_;
  TopicProxy topics_;
  RefreshApi refreshes_;
};

}  // namespace xylem::registry
