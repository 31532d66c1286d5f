// The parent's side: answers fetches from logs.
//
// It knows no HTTP: the broker hands it a request's body and sends what it answers. A request that
// has nothing new waits (long poll) until notify() says otherwise or its wait_ms is over.
//
// Limits: sessions and partitions per session are bounded; the oldest idle session goes first.
// Threads: the loop's.
#pragma once

#include "common/clock.h"
#include "common/ids.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/result.h"
#include "pipe/messages.h"
#include "pipe/source.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace xylem::pipe {

class PipeServer {
 public:
  struct Limits {
    std::size_t sessions_max = 10'000;
    std::size_t partitions_max = 100'000;  // over all sessions
    std::uint32_t wait_ms_max = 60'000;
    std::uint32_t bytes_max = 16 * 1024 * 1024;  // per answer
    std::uint64_t session_idle_ms = 300'000;
  };

  // A child as the parent sees it: for the admin API.
  struct Child {
    NodeId node;
    std::uint64_t session = 0;
    std::size_t partitions = 0;
    std::int64_t idle_ms = 0;
    std::uint64_t bytes_sent = 0;
  };

  using Answer = std::function<void(Result<std::vector<Slice>>)>;

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
  };

  PipeServer(const Context& context, PipeSource& source, const Limits& limits);
  ~PipeServer();  // waiting fetches get kCancelled
  PipeServer(const PipeServer&) = delete;
  PipeServer& operator=(const PipeServer&) = delete;

  // The token cancels a waiting fetch when its connection is gone; 0: answered already.
  std::uint64_t fetch(Bytes request, Answer answer);
  void abandon(std::uint64_t token);

  // A partition's HW moved, its log start moved, it appeared or went away.
  void notify(const LogId& log);

  [[nodiscard]] std::vector<Child> children() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::pipe
