#include "registry/refresh/refresh_jobs.h"

#include "registry/refresh/refresh_scope.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace xylem::registry {

RefreshJobs::RefreshJobs(const Context& context,
                         std::vector<StoredRefresh> restored,
                         const RefreshJob::Limits& limits)
    : context_(context), limits_(limits) {
  context_.service.observe(*this);
  for (auto& stored : restored) {
    const auto id = stored.record.id;
    auto job = RefreshJob::restore(std::move(stored), limits_, now());
    if (!job.has_ended()) {
      running_.push_back(id);
      context_.logger.info(
          "refresh.resumed",
          {{"id", refresh_id_text(id)}, {"topic", job.record().topic}, {"wave", job.wave()}});
    }
    jobs_.emplace(id, Entry{.job = std::move(job), .is_stored = true, .accepted = nullptr});
  }
}

void RefreshJobs::start(const RefreshRequest& request, std::string_view peer, Accepted accepted) {
  if (running_.size() >= kRunningMax)
    return accepted(fail(Errc::kQuotaExceeded,
                         "more than " + std::to_string(kRunningMax) + " refreshes at a time",
                         "wait for one of them, or stop it"),
                    std::nullopt);
  auto nodes =
      nodes_in(request.scope, request.topic, context_.service, context_.clock.monotonic_ms());
  if (!nodes) return accepted(pass(nodes), std::nullopt);
  if (const auto other = in_the_way(request.topic, *nodes))
    return accepted(fail(Errc::kAlreadyExists,
                         "refresh " + refresh_id_text(*other) + " of topic " + request.topic +
                             " has some of the same nodes",
                         "wait for it, or stop it"),
                    other);
  RefreshRecord record{.id = fresh_id(*nodes),
                       .topic = request.topic,
                       .scope = request.scope,
                       .wave_nodes = request.wave_nodes,
                       .failures_max = request.failures_max,
                       .reason = request.reason,
                       .who = request.who,
                       .why = {},
                       .started_at_ms = context_.clock.wall_ms()};
  const auto id = record.id;
  auto job = RefreshJob::plan(std::move(record), *std::move(nodes), limits_);
  context_.logger.info("refresh.started", {{"id", refresh_id_text(id)},
                                           {"topic", request.topic},
                                           {"scope", to_string(request.scope.kind)},
                                           {"scope_node", request.scope.node},
                                           {"nodes", job.nodes().size()},
                                           {"waves", job.waves()},
                                           {"max_failures", request.failures_max},
                                           {"reason", request.reason},
                                           {"who", request.who},
                                           {"peer", peer}});
  running_.push_back(id);
  jobs_.emplace(id, Entry{.job = std::move(job), .accepted = std::move(accepted)});
}

Status RefreshJobs::stop(RefreshId id, const StopRequest& request, std::string_view peer) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return fail(Errc::kNotFound, "no refresh " + refresh_id_text(id));
  if (found->second.job.has_ended()) return {};
  context_.logger.info("refresh.stopping", {{"id", refresh_id_text(id)},
                                            {"reason", request.reason},
                                            {"who", request.who},
                                            {"peer", peer}});
  std::string why = "stopped";
  if (!request.who.empty()) why += " by " + request.who;
  if (!request.reason.empty()) why += ": " + request.reason;
  found->second.job.stop(why, now());
  look_after(found->second);
  return {};
}

const RefreshJob* RefreshJobs::find(RefreshId id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second.job;
}

std::vector<const RefreshJob*> RefreshJobs::list() const {
  std::vector<const RefreshJob*> jobs;
  for (const auto& [id, entry] : jobs_) jobs.push_back(&entry.job);
  std::ranges::sort(jobs, [](const auto* a, const auto* b) {
    const auto order_of = [](const RefreshJob& job) {
      return std::tuple(job.has_ended(), -job.record().started_at_ms, job.record().id);
    };
    return order_of(*a) < order_of(*b);
  });
  return jobs;
}

std::vector<RefreshOrder> RefreshJobs::orders_for(const NodeId& node) const {
  std::vector<RefreshOrder> orders;
  for (const auto id : running_)
    if (auto order = jobs_.at(id).job.order_for(node)) orders.push_back(*std::move(order));
  return orders;
}

void RefreshJobs::on_node(const NodeId& id) {
  if (running_.empty()) return;
  const auto* node = context_.service.nodes().find(id);
  if (node == nullptr) return;
  for (const auto job_id : std::vector(running_)) {
    auto& entry = jobs_.at(job_id);
    if (!entry.is_stored || !entry.job.contains(id)) continue;
    for (const auto& progress : node->report.refreshes) entry.job.on_report(id, progress, now());
    entry.job.on_heard(id, now());
    look_after(entry);
  }
}

void RefreshJobs::lapse() {
  for (const auto id : std::vector(running_)) {
    auto& entry = jobs_.at(id);
    if (!entry.is_stored) continue;
    entry.job.on_time(now());
    look_after(entry);
  }
}

bool RefreshJobs::has_changes() const {
  return !forgotten_.empty() ||
         std::ranges::any_of(jobs_, [](const auto& each) { return each.second.job.has_unsaved(); });
}

RefreshChanges RefreshJobs::take_changes() {
  RefreshChanges changes;
  for (auto& [id, entry] : jobs_)
    if (entry.job.has_unsaved()) changes.saved.push_back(entry.job.take_unsaved());
  changes.forgotten = std::exchange(forgotten_, {});
  return changes;
}

void RefreshJobs::written(const RefreshChanges& changes) {
  for (const auto& saved : changes.saved) {
    const auto found = jobs_.find(saved.record.id);
    if (found == jobs_.end() || found->second.is_stored) continue;
    auto& entry = found->second;
    entry.is_stored = true;
    std::exchange(entry.accepted, nullptr)(saved.record.id, std::nullopt);
    entry.job.on_time(now());
    look_after(entry);
  }
}

void RefreshJobs::give_back(const RefreshChanges& unwritten) {
  for (const auto& saved : unwritten.saved) {
    const auto found = jobs_.find(saved.record.id);
    if (found == jobs_.end()) continue;
    if (found->second.is_stored) {
      found->second.job.give_back(saved);
      continue;
    }
    const auto accepted = std::move(found->second.accepted);
    std::erase(running_, saved.record.id);
    jobs_.erase(found);
    accepted(fail(Errc::kUnavailable, "the registry's store cannot be written: see /readyz"),
             std::nullopt);
  }
  forgotten_.insert(forgotten_.end(), unwritten.forgotten.begin(), unwritten.forgotten.end());
}

Moment RefreshJobs::now() const {
  return {.monotonic_ms = context_.clock.monotonic_ms(), .wall_ms = context_.clock.wall_ms()};
}

std::optional<RefreshId> RefreshJobs::in_the_way(std::string_view topic,
                                                 const std::vector<JobNode>& nodes) const {
  for (const auto id : running_) {
    const auto& job = jobs_.at(id).job;
    const bool shares =
        std::ranges::any_of(nodes, [&](const auto& n) { return job.contains(n.id); });
    if (job.record().topic == topic && shares) return id;
  }
  return std::nullopt;
}

// Nodes refuse an id that is below one they know, whoever gave it: ids grow with the time, and are
// above what the nodes report. One that lies far ahead of the clock is no broker's: it is passed
// over, or every later refresh would have to be above it, and be refused by all nodes.
RefreshId RefreshJobs::fresh_id(const std::vector<JobNode>& nodes) const {
  constexpr unsigned kChanceBits = 20;
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(context_.clock.wall_ms(), 1));
  auto id = (time << kChanceBits) + context_.random.below(std::uint64_t{1} << kChanceBits);
  const auto ahead_max = (time + kIdAheadMaxMs) << kChanceBits;
  const auto rise_above = [&](RefreshId known) {
    if (known.value() < ahead_max) id = std::max(id, known.value() + 1);
  };
  if (!jobs_.empty()) id = std::max(id, jobs_.rbegin()->first.value() + 1);  // this one's own
  for (const auto& node : nodes)
    for (const auto& progress : context_.service.nodes().find(node.id)->report.refreshes)
      rise_above(progress.id);
  return RefreshId(id);
}

void RefreshJobs::look_after(Entry& entry) {
  const auto id = entry.job.record().id;
  const bool has_ended = entry.job.has_ended() && std::erase(running_, id) > 0;
  if (has_ended) note_end(entry.job);
  if (entry.job.take_shown())
    for (const auto& changed : changed_) changed(id);
  if (has_ended) prune();
}

void RefreshJobs::note_end(const RefreshJob& job) {
  const auto& record = job.record();
  context_.metrics
      .counter("xylem_registry_refreshes_total", "Refreshes of many nodes that ended",
               {{"state", std::string(to_string(record.state))}})
      .add();
  context_.logger.info("refresh.ended", {{"id", refresh_id_text(record.id)},
                                         {"topic", record.topic},
                                         {"state", to_string(record.state)},
                                         {"why", record.why},
                                         {"nodes", job.nodes().size()},
                                         {"completed", job.count(JobNodeState::kCompleted)},
                                         {"aborted", job.count(JobNodeState::kAborted)},
                                         {"away", job.count(JobNodeState::kAway)}});
}

// Never the newest.
void RefreshJobs::prune() {
  std::size_t kept = 0;
  std::size_t nodes = 0;
  for (const auto* job : list()) {
    if (!job->has_ended()) continue;
    ++kept;
    nodes += job->nodes().size();
    if (kept == 1 || (kept <= kKeptMax && nodes <= kKeptNodesMax)) continue;
    const auto id = job->record().id;
    forgotten_.push_back(id);
    jobs_.erase(id);
  }
}

}  // namespace xylem::registry
