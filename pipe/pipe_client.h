// The child's side: keeps one conversation with one parent of an ordered list, and walks the list.
//
// A refused or reset parent is left at once, a silent one after wait_ms + 2 s; the next in the list
// is asked within 2 s with the same cursors. A better one is probed and returned to when it has
// been healthy for `fail_back_ms`. Back-off is exponential with full jitter. set_parents() may be
// called any number of times; cursors belong to the target, so a change of parent costs nothing.
//
// The target logs what it stores and repairs: it knows the topics' names.
// Threads: the loop's; the target is called there.
#pragma once

#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/result.h"
#include "pipe/health.h"
#include "pipe/messages.h"
#include "pipe/parent_walk.h"
#include "pipe/pipe_connector.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xylem::pipe {

// What the child stores, asked and told partition by partition.
class PipeTarget {
 public:
  virtual ~PipeTarget() = default;

  // The handshake of `log` now: called when a request lists it, and again before an answer is acted
  // upon, which is dropped when the two differ.
  [[nodiscard]] virtual Result<FetchPartition> position(const LogId& log) = 0;

  // kOk: take over the HW, store the batches (possibly none), and take over the age when that makes
  // the copy complete. A failure (disk full) pauses that partition with back-off; the others go on,
  // and the HW holds all the same: the copy is behind it.
  virtual Status store(const FetchedPartition& fetched) = 0;

  // kDiverged, kOutOfRange, kUnknownTopicId, kNotHere: the target repairs (cuts back, starts anew,
  // drops, or asks the leader: see RoutedClient) and a later request asks position() again.
  virtual Status repair(const FetchedPartition& fetched) = 0;

  // `log` is OK and the answer did not list it: if it has all below the HW it was told last, it is
  // `age_ms` old now.
  virtual void confirm(const LogId& log, std::uint64_t age_ms) = 0;

  // What was stored is on its way to the disk, and the next request is to say that it is there:
  // it waits for PipeClient::settled().
  [[nodiscard]] virtual bool is_settling() const { return false; }

  // The first answer of a parent: false refuses it (another cluster); it is skipped and reported.
  [[nodiscard]] virtual bool accepts(const NodeId& parent, const ClusterId& cluster) = 0;

  virtual void on_topology_version(std::uint64_t version) = 0;

  // A parent answers: the first time, or again after a failure.
  virtual void on_connected(const NodeId&) {}

  // An exchange failed, or who answered must not be our parent.
  virtual void on_failed(const Error&) {}

  // The parent has less of the log than we do.
  virtual void on_behind(const LogId&) {}
};

class PipeClient {
 public:
  struct Options {
    NodeId node;
    ClusterId cluster;  // nil until one is known
    std::int32_t replica = -1;
    std::uint32_t bytes_max = 4 * 1024 * 1024;
    std::uint32_t wait_ms = 10'000;
    std::uint64_t backoff_min_ms = 100;
    std::uint64_t backoff_max_ms = 30'000;
    std::uint64_t fail_back_ms = 30'000;
    std::uint64_t silence_ms = 2'000;  // beyond wait_ms
    std::uint64_t unhealthy_ms = 30'000;
    std::string session = "main";  // which one of a node's, in the metrics
  };

  struct View {
    NodeId parent;  // actual; empty: none answers
    Health health = Health::kUnhealthy;
    std::int64_t since_success_ms = -1;  // -1: never
    std::string last_error;
    std::uint64_t exchanges = 0;
    std::uint64_t failovers = 0;
    std::uint64_t behind = 0;  // partitions of which this parent has less than we do
  };

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Logger& logger;
    Metrics& metrics;
  };

  PipeClient(const Context& context, PipeConnector& connector, PipeTarget& target, Options options);
  ~PipeClient();
  PipeClient(const PipeClient&) = delete;
  PipeClient& operator=(const PipeClient&) = delete;

  void set_parents(std::vector<Parent> parents);
  void set_cluster(const ClusterId& cluster);

  void add(const LogId& log);
  void remove(const LogId& log);

  // The position of `log` moved by other means than store(): list it in the next request.
  void touch(const LogId& log);

  // The target is_settling() no more.
  void settled();

  [[nodiscard]] View view() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::pipe
