// All refreshes of many nodes: who may start one, what nodes are told and say, what is stored.
//
// A new job is accepted, and begins, once it is on disk; then it goes on after a restart, since
// what nodes do has ids and may be ordered twice. What ended is kept for a while, oldest forgotten
// first.
//
// Errors: kNotFound, kAlreadyExists (a job on the same topic has some of the same nodes),
// kQuotaExceeded (kRunningMax), kUnavailable (the store cannot be written).
// Limits: kRunningMax jobs run, kKeptMax are kept with kKeptNodesMax nodes in all.
// Threads: the loop's.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/metrics.h"
#include "common/random.h"
#include "registry/refresh/refresh_job.h"
#include "registry/refresh/refresh_request.h"
#include "registry/registry_service.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace xylem::registry {

class RefreshJobs final : public RegistryObserver {
 public:
  static constexpr std::size_t kRunningMax = 8;
  // How far ids that nodes report may lie ahead of this clock; nodes refuse what lies as far ahead.
  static constexpr std::uint64_t kIdAheadMaxMs = 24ULL * 3'600'000;
  static constexpr std::size_t kKeptMax = 100;  // that have ended
  static constexpr std::size_t kKeptNodesMax = 200'000;

  struct Context {
    RegistryService& service;
    const Clock& clock;
    Random& random;
    Logger& logger;
    Metrics& metrics;
  };

  RefreshJobs(const Context& context,
              std::vector<StoredRefresh> restored,
              const RefreshJob::Limits& limits = {});
  ~RefreshJobs() override = default;
  RefreshJobs(const RefreshJobs&) = delete;
  RefreshJobs& operator=(const RefreshJobs&) = delete;

  // Called at the end of a call that changed what is shown of a job.
  void observe(std::function<void(RefreshId)> changed) { changed_.push_back(std::move(changed)); }

  // `other`: the job that is in the way.
  using Accepted =
      std::function<void(const Result<RefreshId>& started, std::optional<RefreshId> other)>;

  // Answers later, once the job is stored; refusals at once.
  void start(const RefreshRequest& request, std::string_view peer, Accepted accepted);

  // A job that has ended stays as it is.
  Status stop(RefreshId id, const StopRequest& request, std::string_view peer);

  [[nodiscard]] const RefreshJob* find(RefreshId id) const;

  // Those that run first, then the newest. Pointers hold until the jobs are called again.
  [[nodiscard]] std::vector<const RefreshJob*> list() const;

  // What a node is to run or to stop now.
  [[nodiscard]] std::vector<RefreshOrder> orders_for(const NodeId& node) const;

  void on_node(const NodeId& id) override;

  // Finds the nodes that fell silent. To be called several times a heartbeat.
  void lapse();

  // What the store does not have yet.
  [[nodiscard]] bool has_changes() const;
  RefreshChanges take_changes();
  void written(const RefreshChanges& changes);
  void give_back(const RefreshChanges& unwritten);

 private:
  struct Entry {
    RefreshJob job;
    bool is_stored = false;
    Accepted accepted;  // until it is
  };

  using Entries = std::map<RefreshId, Entry>;

  [[nodiscard]] Moment now() const;
  [[nodiscard]] std::optional<RefreshId> in_the_way(std::string_view topic,
                                                    const std::vector<JobNode>& nodes) const;
  [[nodiscard]] RefreshId fresh_id(const std::vector<JobNode>& nodes) const;
  void look_after(Entry& entry);  // after each event
  void note_end(const RefreshJob& job);
  void prune();

  Context context_;
  RefreshJob::Limits limits_;
  Entries jobs_;
  std::vector<RefreshId> running_;
  std::vector<RefreshId> forgotten_;  // not in the store's file yet
  std::vector<std::function<void(RefreshId)>> changed_;
};

}  // namespace xylem::registry
