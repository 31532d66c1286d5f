#include "pipe/child_session.h"

#include <algorithm>

namespace xylem::pipe {

ChildSession::ChildSession(const Backoff& backoff, Random& random)
    : backoff_(backoff), random_(random) {}

void ChildSession::add(const LogId& log) {
  if (partitions_.try_emplace(log).second) unlisted_.insert(log);
}

void ChildSession::remove(const LogId& log) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;
  forget_state(found->second);
  partitions_.erase(found);
  unlisted_.erase(log);
  pauses_.erase(log);
  if (session_ != 0) forgotten_.push_back(log);
}

void ChildSession::touch(const LogId& log) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;
  found->second.is_in_request = false;
  pauses_.erase(log);
  unlisted_.insert(log);
}

void ChildSession::start_anew() {
  session_ = 0;
  sequence_ = 0;
  answers_ = 0;
  forgotten_.clear();
  forgotten_in_request_ = 0;
  in_request_.clear();
  for (auto& [log, partition] : partitions_) {
    forget_state(partition);
    partition.asked.reset();
    partition.is_in_request = false;
    if (!pauses_.contains(log)) unlisted_.insert(log);
  }
}

std::pair<FetchRequest, bool> ChildSession::next(std::int64_t now_ms, const Position& position) {
  for (auto pause = pauses_.begin(); pause != pauses_.end();) {
    if (pause->second.until_ms <= now_ms) {
      unlisted_.insert(pause->first);
      pause = pauses_.erase(pause);
    } else {
      ++pause;
    }
  }
  FetchRequest request;
  request.session = session_;
  request.sequence = ++sequence_;
  request.answered = answers_;
  request.forgotten = forgotten_;
  forgotten_in_request_ = forgotten_.size();
  in_request_.clear();
  const std::vector<LogId> candidates(unlisted_.begin(), unlisted_.end());
  for (const auto& log : candidates) {
    if (request.partitions.size() >= kListedMax) return {std::move(request), true};
    const auto at = position(log);
    const auto found = partitions_.find(log);
    if (found == partitions_.end()) continue;
    if (!at) {
      pause(log, now_ms, false);
      continue;
    }
    found->second.asked = *at;
    found->second.is_in_request = true;
    in_request_.push_back(log);
    request.partitions.push_back(*at);
  }
  return {std::move(request), false};
}

bool ChildSession::answered(const FetchAnswer& answer) {
  if (answer.session == 0 || (session_ != 0 && answer.session != session_)) return false;
  session_ = answer.session;
  ++answers_;
  const auto sent = forgotten_.begin() + static_cast<std::ptrdiff_t>(forgotten_in_request_);
  forgotten_.erase(forgotten_.begin(), sent);
  forgotten_in_request_ = 0;
  for (const auto& log : in_request_) {
    const auto found = partitions_.find(log);
    if (found == partitions_.end() || !found->second.is_in_request) continue;
    found->second.is_in_request = false;
    unlisted_.erase(log);
  }
  in_request_.clear();
  return true;
}

const FetchPartition* ChildSession::asked(const LogId& log) const {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return nullptr;
  const auto& asked = found->second.asked;
  return asked ? &*asked : nullptr;
}

void ChildSession::set_state(const LogId& log, FetchState state) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;
  forget_state(found->second);
  found->second.state = state;
  ++counts_.at(static_cast<std::size_t>(state));
}

void ChildSession::pause(const LogId& log, std::int64_t now_ms, bool is_urgent) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;
  const auto delay_ms = backoff_.delay_ms(++found->second.failures, random_);
  found->second.is_in_request = false;
  unlisted_.erase(log);
  pauses_[log] = {
      .until_ms = now_ms + static_cast<std::int64_t>(std::max<std::uint64_t>(delay_ms, 1)),
      .is_urgent = is_urgent};
}

void ChildSession::recovered(const LogId& log) {
  pauses_.erase(log);
  if (const auto found = partitions_.find(log); found != partitions_.end())
    found->second.failures = 0;
}

bool ChildSession::is_retrying(const LogId& log) const {
  const auto pause = pauses_.find(log);
  return pause != pauses_.end() && pause->second.is_urgent;
}

bool ChildSession::has_news(std::int64_t now_ms) const {
  if (std::ranges::any_of(unlisted_,
                          [&](const LogId& log) { return !partitions_.at(log).is_in_request; }))
    return true;
  const auto due = due_at_ms();
  return due && *due <= now_ms;
}

std::optional<std::int64_t> ChildSession::due_at_ms() const {
  std::optional<std::int64_t> due;
  for (const auto& [log, pause] : pauses_) {
    if (pause.is_urgent && (!due || pause.until_ms < *due)) due = pause.until_ms;
  }
  return due;
}

std::vector<LogId> ChildSession::logs_in(FetchState state) const {
  std::vector<LogId> logs;
  logs.reserve(count(state));
  for (const auto& [log, partition] : partitions_) {
    if (partition.state == state) logs.push_back(log);
  }
  return logs;
}

void ChildSession::forget_state(Partition& partition) {
  if (partition.state) --counts_.at(static_cast<std::size_t>(*partition.state));
  partition.state.reset();
}

}  // namespace xylem::pipe
