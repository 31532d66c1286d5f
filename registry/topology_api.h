// GET /registry/topology: a node's assignment, with ETag and long poll.
//
// With `wait` and an etag whose content is still the current one, the answer waits until the node's
// own assignment changes: a change that concerns others wakes nobody. A wait that ends without a
// change answers 304, or 200 when only the version grew.
//
// Limits: kWaitMax milliseconds, kWaitersMax waiting; more are answered at once.
// Threads: the loop's.
#pragma once

#include "common/loop.h"
#include "common/timer.h"
#include "registry/registry_service.h"
#include "registry/routes.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace xylem::registry {

class TopologyApi final : public RegistryObserver {
 public:
  static constexpr std::int64_t kWaitMax = 60'000;  // ms
  static constexpr std::size_t kWaitersMax = 20'000;
  static constexpr std::uint64_t kSettleMs = 20;  // changes this close wake waiters once

  TopologyApi(Loop& loop, Routes& routes, RegistryService& service);
  ~TopologyApi() override;
  TopologyApi(const TopologyApi&) = delete;
  TopologyApi& operator=(const TopologyApi&) = delete;

  void on_topology() override;

  [[nodiscard]] std::size_t waiting() const noexcept { return waiters_->size(); }

 private:
  struct Waiter {
    network::HttpReplyPtr reply;
    NodeId node;
    std::string etag;  // what the node holds
    std::unique_ptr<Timer> deadline;
  };

  using Waiters = std::map<std::uint64_t, Waiter>;

  void get(const network::HttpRequest& request, const network::HttpReplyPtr& reply);
  void wait(Waiter waiter, std::int64_t wait_ms);
  void wake_changed();

  // Removes the waiter and answers with what is current.
  void answer(std::uint64_t number);

  Loop& loop_;
  RegistryService& service_;
  Timer settle_;
  std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();
  std::uint64_t next_number_ = 0;
};

}  // namespace xylem::registry
