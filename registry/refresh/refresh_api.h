// /api/v1/refreshes: start, list, look at and stop refreshes of many nodes.
//
//   POST /api/v1/refreshes            202 once it is stored
//   GET  /api/v1/refreshes            ?after=ID&limit=N; those that run first
//   GET  /api/v1/refreshes/{id}       ?from=N&limit=N&state=STATE for its nodes
//   POST /api/v1/refreshes/{id}/stop  as it is then; no matter for one that has ended
//
// Limits: kListMax refreshes and kNodesMax nodes an answer.
// Threads: the loop's.
#pragma once

#include "registry/refresh/refresh_jobs.h"
#include "registry/routes.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace xylem::registry {

class RefreshApi {
 public:
  static constexpr std::int64_t kListMax = 100;
  static constexpr std::int64_t kListDefault = 50;
  static constexpr std::int64_t kNodesMax = 2'000;
  static constexpr std::int64_t kNodesDefault = 200;

  RefreshApi(Routes& routes, RefreshJobs& jobs);
  ~RefreshApi() = default;
  RefreshApi(const RefreshApi&) = delete;
  RefreshApi& operator=(const RefreshApi&) = delete;

 private:
  using Replies = std::map<std::uint64_t, network::HttpReplyPtr>;

  void start(const network::HttpRequest& request, const network::HttpReplyPtr& reply);
  void list(const network::HttpRequest& request, network::HttpReply& reply) const;
  void get(const network::HttpRequest& request, network::HttpReply& reply) const;
  void stop(const network::HttpRequest& request, network::HttpReply& reply);

  void answer(std::uint64_t number,
              const Result<RefreshId>& started,
              std::optional<RefreshId> other);

  RefreshJobs& jobs_;
  std::shared_ptr<Replies> waiting_ = std::make_shared<Replies>();  // for the store
  std::uint64_t next_number_ = 0;
};

}  // namespace xylem::registry
