#include "registry/refresh/refresh_job.h"

#include "common/check.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace xylem::registry {

using State = JobNodeState;

RefreshJob RefreshJob::plan(RefreshRecord record,
                            std::vector<JobNode> nodes,
                            const Limits& limits) {
  std::ranges::sort(nodes, {}, [](const JobNode& node) { return std::tie(node.level, node.id); });
  RefreshJob job(std::move(record), std::move(nodes), limits);
  std::vector<std::size_t> all(job.nodes_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  job.number_waves(all);
  job.unsaved_.insert(all.begin(), all.end());
  job.record_unsaved_ = job.shown_ = true;
  return job;
}

RefreshJob RefreshJob::restore(StoredRefresh stored, const Limits& limits, const Moment& now) {
  std::ranges::sort(stored.nodes, {},
                    [](const auto& node) { return std::tie(node.level, node.id); });
  RefreshJob job(std::move(stored.record), std::move(stored.nodes), limits);
  for (std::size_t i = 0; i < job.nodes_.size(); ++i) {
    auto& node = job.nodes_[i];
    node.heard_at_ms = node.ordered_at_ms = now.monotonic_ms;
    job.enlist(i);
    const bool has_begun = node.state != State::kWaiting && node.state != State::kNotBegun;
    if (has_begun) job.wave_ = std::max(job.wave_, node.wave);
  }
  job.return_by_ms_ = now.monotonic_ms + limits.return_wait_ms;
  job.open_ = static_cast<std::size_t>(
      std::ranges::count_if(job.nodes_, [&](const auto& node) { return job.is_open(node); }));
  return job;
}

RefreshJob::RefreshJob(RefreshRecord record, std::vector<JobNode> nodes, const Limits& limits)
    : record_(std::move(record)), limits_(limits), nodes_(std::move(nodes)) {
  XYLEM_CHECK(record_.wave_nodes > 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    index_.emplace(nodes_[i].id, i);
    ++counts_.at(static_cast<std::size_t>(nodes_[i].state));
  }
  XYLEM_CHECK(index_.size() == nodes_.size());
}

void RefreshJob::on_heard(const NodeId& node, const Moment& now) {
  const auto found = index_.find(node);
  if (has_ended() || found == index_.end()) return;
  auto& heard = nodes_[found->second];
  heard.heard_at_ms = now.monotonic_ms;
  look_at(heard, now);
  advance(now);
}

void RefreshJob::on_report(const NodeId& node, const RefreshProgress& progress, const Moment& now) {
  const auto found = index_.find(node);
  if (has_ended() || found == index_.end()) return;
  auto& reported = nodes_[found->second];
  const bool can_change = is_open(reported) || reported.state == State::kAway;
  if (!can_change || progress.id != record_.id) return;
  reported.heard_at_ms = now.monotonic_ms;
  if (reported.progress != progress) shown_ = true;
  reported.progress = progress;
  switch (progress.phase) {
    case RefreshPhase::kCompleted:
      set_state(reported, State::kCompleted);
      break;
    case RefreshPhase::kAborted:
      set_state(reported, State::kAborted, progress.failure);
      break;
    default:
      set_state(reported, State::kRunning);
  }
  advance(now);
}

void RefreshJob::on_time(const Moment& now) {
  if (has_ended()) return;
  for (auto& node : nodes_) look_at(node, now);
  advance(now);
}

void RefreshJob::stop(const std::string& why, const Moment& now) {
  if (record_.state == JobState::kRunning) stop_as(JobState::kStopping, why, now);
}

std::optional<RefreshOrder> RefreshJob::order_for(const NodeId& node) const {
  const auto found = index_.find(node);
  if (has_ended() || found == index_.end()) return std::nullopt;
  const auto& ordered = nodes_[found->second];
  if (ordered.state != State::kOrdered && ordered.state != State::kRunning) return std::nullopt;
  return RefreshOrder{.id = record_.id,
                      .topic = record_.topic,
                      .reason = record_.reason,
                      .stop = record_.state != JobState::kRunning};
}

StoredRefresh RefreshJob::take_unsaved() {
  StoredRefresh unsaved{.record = record_, .nodes = {}};
  for (const auto i : unsaved_) unsaved.nodes.push_back(nodes_[i]);
  unsaved_.clear();
  record_unsaved_ = false;
  return unsaved;
}

void RefreshJob::give_back(const StoredRefresh& unwritten) {
  record_unsaved_ = true;
  for (const auto& node : unwritten.nodes) unsaved_.insert(index_.at(node.id));
}

bool RefreshJob::is_here(const JobNode& node, const Moment& now) const {
  return node.heard_at_ms && now.monotonic_ms - *node.heard_at_ms < limits_.away_ms;
}

// In the last round nodes are waited for.
bool RefreshJob::may_skip(const Moment& now) const {
  return !record_.is_last_round || record_.state != JobState::kRunning ||
         now.monotonic_ms >= return_by_ms_;
}

bool RefreshJob::is_open(const JobNode& node) const {
  return node.state == State::kOrdered || node.state == State::kRunning ||
         (node.state == State::kWaiting && node.wave <= wave_);
}

void RefreshJob::set_state(JobNode& node, State state, std::string failure) {
  if (node.state == state) return;
  open_ -= is_open(node) ? 1 : 0;
  --counts_.at(static_cast<std::size_t>(node.state));
  node.state = state;
  node.failure = std::move(failure);
  ++counts_.at(static_cast<std::size_t>(state));
  open_ += is_open(node) ? 1 : 0;
  unsaved_.insert(static_cast<std::size_t>(&node - nodes_.data()));
  shown_ = true;
}

void RefreshJob::set_job(JobState state, std::string why) {
  record_.state = state;
  if (!why.empty()) record_.why = std::move(why);
  record_unsaved_ = shown_ = true;
}

// What time, or a heartbeat, does to a node whose wave has begun.
void RefreshJob::look_at(JobNode& node, const Moment& now) {
  if (!is_open(node)) return;
  if (!is_here(node, now)) {
    if (may_skip(now)) set_state(node, State::kAway);
    return;
  }
  if (node.state == State::kWaiting) {
    node.ordered_at_ms = now.monotonic_ms;
    return set_state(node, State::kOrdered);
  }
  const bool must_answer = node.state == State::kOrdered || record_.state != JobState::kRunning;
  if (must_answer && now.monotonic_ms - node.ordered_at_ms >= limits_.unanswered_ms)
    set_state(node, State::kAborted,
              record_.state == JobState::kRunning ? "it takes no orders: is it of an older version?"
                                                  : "it was told to stop and has not answered");
}

// Begins the waves that can begin, stops what has failed too often, ends what is over.
void RefreshJob::advance(const Moment& now) {
  if (has_ended()) return;
  if (record_.state == JobState::kRunning &&
      std::cmp_greater(count(State::kAborted), record_.failures_max))
    stop_as(JobState::kFailing,
            std::to_string(count(State::kAborted)) + " nodes failed, " +
                std::to_string(record_.failures_max) + " were allowed",
            now);
  while (!has_ended() && open_ == 0) {
    if (record_.state != JobState::kRunning) return end(now);
    if (wave_ == waves()) {
      if (record_.is_last_round || count(State::kAway) == 0) return end(now);
      begin_last_round(now);
    }
    begin_wave(now);
  }
}

void RefreshJob::begin_wave(const Moment& now) {
  ++wave_;
  record_unsaved_ = shown_ = true;
  const auto& begun = waves_[static_cast<std::size_t>(wave_ - 1)];
  for (const auto i : begun) open_ += is_open(nodes_[i]) ? 1 : 0;
  for (const auto i : begun) look_at(nodes_[i], now);
}

void RefreshJob::begin_last_round(const Moment& now) {
  record_.is_last_round = true;
  return_by_ms_ = now.monotonic_ms + limits_.return_wait_ms;
  std::vector<std::size_t> away;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].state == State::kAway) away.push_back(i);
  number_waves(away);
  for (const auto i : away) set_state(nodes_[i], State::kWaiting);
}

void RefreshJob::stop_as(JobState state, const std::string& why, const Moment& now) {
  set_job(state, why);
  for (auto& node : nodes_) {
    if (node.state == State::kWaiting) set_state(node, State::kNotBegun);
    node.ordered_at_ms = now.monotonic_ms;  // from here on it has time to answer
  }
  if (open_ == 0) end(now);
}

void RefreshJob::end(const Moment& now) {
  record_.ended_at_ms = now.wall_ms;
  if (record_.state == JobState::kStopping) return set_job(JobState::kStopped, {});
  if (record_.state == JobState::kFailing) return set_job(JobState::kFailed, {});
  if (count(State::kCompleted) == nodes_.size()) return set_job(JobState::kCompleted, {});
  set_job(JobState::kPartial, std::to_string(count(State::kAborted)) + " nodes failed, " +
                                  std::to_string(count(State::kAway)) + " were away");
}

// Appends waves of these nodes, which are by level.
void RefreshJob::number_waves(const std::vector<std::size_t>& nodes) {
  const JobNode* before = nullptr;
  std::int64_t in_wave = 0;
  std::int32_t wave = waves();
  for (const auto i : nodes) {
    auto& node = nodes_[i];
    if (before == nullptr || before->level != node.level || in_wave == record_.wave_nodes) {
      ++wave;
      in_wave = 0;
    }
    node.wave = wave;
    enlist(i);
    ++in_wave;
    before = &node;
  }
}

void RefreshJob::enlist(std::size_t index) {
  const auto wave = static_cast<std::size_t>(nodes_[index].wave);
  if (waves_.size() < wave) waves_.resize(wave);
  waves_[wave - 1].push_back(index);
}

}  // namespace xylem::registry
