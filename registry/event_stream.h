// GET /api/v1/events: what changes, as server-sent events, for dashboards and scripts.
//
//   event: node      data: a node as in /api/v1/nodes/{id}
//   event: gone      data: the same, of a node that fell silent or stopped
//   event: refresh   data: a refresh as in /api/v1/refreshes, without its nodes
//   event: topology  data: {"topologyVersion": N}; also the first event of every stream
//
// Events are a notice of what to look at, not a history: several changes of one node between two
// flushes are one event, with its latest state. So what waits for a slow reader is bounded by the
// size of the fleet, and one that reads nothing at all is closed by the server's deadline.
//
// Limits: kClientsMax streams (more: kQuotaExceeded), kQueuedBytesMax a stream.
// Threads: the loop's.
#pragma once

#include "common/loop.h"
#include "common/metrics.h"
#include "common/timer.h"
#include "registry/refresh/refresh_jobs.h"
#include "registry/registry_service.h"
#include "registry/routes.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace xylem::registry {

class EventStream final : public RegistryObserver {
 public:
  static constexpr std::size_t kClientsMax = 256;
  static constexpr std::size_t kQueuedBytesMax = 1024ULL * 1024;
  static constexpr std::uint64_t kFlushMs = 200;
  static constexpr std::uint64_t kKeepAliveMs = 15'000;

  EventStream(Loop& loop,
              Routes& routes,
              RegistryService& service,
              RefreshJobs& refreshes,
              Metrics& metrics);
  ~EventStream() override;
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  void on_node(const NodeId& id) override;
  void on_gone(const NodeId& id) override;
  void on_topology() override;

  [[nodiscard]] std::size_t clients() const noexcept { return clients_->size(); }

 private:
  struct Client {
    network::HttpReplyPtr reply;
    std::set<NodeId> nodes;  // to be told about
    std::set<NodeId> gone;
    std::set<RefreshId> refreshes;
    bool topology = true;
    bool is_full = false;  // until it drained
  };

  using Clients = std::map<std::uint64_t, Client>;

  void open(const network::HttpRequest& request, const network::HttpReplyPtr& reply);
  void on_refresh(RefreshId id);
  void want_flush();
  void flush();
  void flush_client(std::uint64_t number, std::map<NodeId, Slice>& encoded);
  [[nodiscard]] Slice refresh_event(RefreshId id) const;
  [[nodiscard]] Slice node_event(const NodeId& id, bool is_gone) const;
  void write(std::uint64_t number, Client& client, Slice event);
  void keep_alive();

  Loop& loop_;
  RegistryService& service_;
  RefreshJobs& refreshes_;
  Gauge& clients_gauge_;
  Timer flush_;
  Timer keep_alive_;
  std::shared_ptr<Clients> clients_ = std::make_shared<Clients>();
  std::uint64_t next_number_ = 0;
};

}  // namespace xylem::registry
