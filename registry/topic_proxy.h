// Topics and partitions belong to the root tier: these routes pass requests on to a root's admin
// HTTP and its answers back.
//
// A GET tries the roots in turn; a request that may change something is sent to one root only,
// since a failure does not tell whether it was carried out. A NOT_LEADER answer that names another
// known root is followed once.
//
// Limits: kPendingMax requests at a time (more: kUnavailable), kTimeoutMs of silence, answers of
// kAnswerBytesMax.
// Threads: the loop's; exchanges run on a thread of their own.
#pragma once

#include "common/loop.h"
#include "common/worker.h"
#include "registry/registry_service.h"
#include "registry/root_client.h"
#include "registry/routes.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace xylem::registry {

class TopicProxy {
 public:
  static constexpr std::size_t kPendingMax = 64;

  TopicProxy(Loop& loop, Routes& routes, RegistryService& service);
  ~TopicProxy();  // waits for the exchange that is under way to be cancelled
  TopicProxy(const TopicProxy&) = delete;
  TopicProxy& operator=(const TopicProxy&) = delete;

 private:
  enum class Shape : std::uint8_t { kAsItIs, kTopics, kPartitions };

  struct Pending {
    network::HttpReplyPtr reply;
    Shape shape = Shape::kAsItIs;
  };

  // On the loop only; the worker knows a request by its number.
  using PendingReplies = std::map<std::uint64_t, Pending>;

  void pass_on(const network::HttpRequest& request, Pending pending, const std::string& path);
  void submit(std::uint64_t number, RootRequest request);
  void answer(const Pending& pending, const Result<HttpAnswer>& result) const;

  Loop& loop_;
  RegistryService& service_;
  std::shared_ptr<PendingReplies> pending_ = std::make_shared<PendingReplies>();
  std::uint64_t next_number_ = 0;
  RootClient client_;
  Worker worker_{"topic-proxy"};
};

}  // namespace xylem::registry
