#include "broker/refresh/refresh_run.h"

#include "broker/refresh/catch_up.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
using Act = RefreshRun::Act;

RefreshRun::RefreshRun(Definition definition, const Timing& timing, std::int64_t now_ms)
    : definition_(std::move(definition)), timing_(timing), progress_at_ms_(now_ms) {}

RefreshRun::RefreshRun(Definition definition,
                       const Timing& timing,
                       std::int64_t now_ms,
                       const RefreshStatus& kept,
                       const Owed& owed,
                       bool has_stalled)
    : RefreshRun(std::move(definition), timing, now_ms) {
  // Whoever was further is told RESET again, too.
  state_ = broker::is_over(kept.state) ? kept.state : RefreshState::kResetSent;
  is_open_ = broker::is_over(state_);
  has_stalled_ = has_stalled;
  failure_ = kept.failure;
  if (!kept.barrier.empty()) barrier_ = kept.barrier;
  for (const auto& [name, count] : owed) {
    if (count > 0) away_.emplace(name, Away{count, now_ms});
  }
}

RefreshRun::Acts RefreshRun::open(std::int64_t now_ms) {
  if (std::exchange(is_open_, true)) return {};
  Acts acts;
  progress_at_ms_ = now_ms;
  for (auto& [key, consumer] : consumers_) {
    consumer.told_at_ms = now_ms;
    acts.push_back({Act::Kind::kSendReset, key});
  }
  settle(now_ms);
  return acts;
}

RefreshRun::Acts RefreshRun::join(ConsumerKey key,
                                  const std::string& name,
                                  bool is_fresh,
                                  std::int64_t now_ms) {
  if (state_ == RefreshState::kAborted) return {};
  ++unfinished_version_;
  const bool is_owed = take_away(name);
  if (const auto known = finished_.find(name); known != finished_.end() && --known->second == 0)
    finished_.erase(known);
  if (state_ == RefreshState::kCompleted && (!is_owed || is_fresh)) return {};
  consumers_[key] = {.name = name,
                     .told_at_ms = now_ms,
                     .progress_at_ms = now_ms,
                     .may_be_another = is_open_ && !is_owed && !is_fresh};
  if (!is_open_) return {};
  return {{Act::Kind::kSendReset, key}};
}

RefreshRun::Acts RefreshRun::leave(ConsumerKey key, std::int64_t now_ms) {
  const auto found = consumers_.find(key);
  if (found == consumers_.end()) return {};
  const auto& name = found->second.name;
  const bool is_done = found->second.phase == Phase::kDone;
  const bool came_back = is_back(key, name);
  if (is_done && !came_back && (finished_.size() < kOwedMax || finished_.contains(name)))
    ++finished_[name];
  if (!is_done && state_ != RefreshState::kAborted) {
    ++unfinished_version_;
    if (auto* away = came_back ? nullptr : away_of(name)) {
      ++away->count;
      away->since_ms = std::max(away->since_ms, now_ms);
    }
  }
  consumers_.erase(found);
  settle(now_ms);
  return {};
}

void RefreshRun::owe(const std::string& name, std::int64_t left_at_ms, std::size_t count) {
  if (is_over()) return;
  auto* away = away_of(name);
  if (away == nullptr) return;
  ++unfinished_version_;
  away->count = std::max(away->count, count);
  away->since_ms = std::max(away->since_ms, left_at_ms);
}

RefreshRun::Acts RefreshRun::hand_over(RefreshRun& newer, std::int64_t now_ms) {
  Acts acts;
  if (state_ == RefreshState::kAborted) return acts;
  for (const auto& [name, count] : unfinished()) {
    const auto away = away_.find(name);
    newer.owe(name, away == away_.end() ? now_ms : away->second.since_ms, count);
  }
  if (!is_over())
    return abort("refresh " + refresh_id_text(newer.definition().id) +
                 " of the same topic took its place");
  for (const auto& [key, consumer] : consumers_)
    if (consumer.phase != Phase::kDone) acts.push_back({Act::Kind::kLeaveOff, key});
  std::erase_if(consumers_, [](const auto& one) { return one.second.phase != Phase::kDone; });
  away_.clear();
  ++unfinished_version_;
  return acts;
}

void RefreshRun::forget(const std::string& name) {
  if (away_.erase(name) > 0) ++unfinished_version_;
}

RefreshRun::Acts RefreshRun::on_reset_ack(ConsumerKey key, std::uint64_t id, std::int64_t now_ms) {
  auto* consumer = find(key);
  if (consumer == nullptr || !is_for_us(id) || consumer->phase != Phase::kReset) return {};
  consumer->phase = Phase::kReplaying;
  note_progress(*consumer, now_ms);
  if (state_ == RefreshState::kResetSent) state_ = RefreshState::kReplaying;
  return {{Act::Kind::kReplay, key}};
}

RefreshRun::Acts RefreshRun::on_ready_ack(ConsumerKey key, std::uint64_t id, std::int64_t now_ms) {
  auto* consumer = find(key);
  if (consumer == nullptr || !is_for_us(id) || consumer->phase == Phase::kDone) return {};
  const bool was_told = consumer->phase == Phase::kReady;
  consumer->phase = Phase::kDone;
  ++unfinished_version_;
  note_progress(*consumer, now_ms);
  settle(now_ms);
  return {{was_told ? Act::Kind::kGoOn : Act::Kind::kLeaveOff, key}};
}

void RefreshRun::began(ConsumerKey key, const std::vector<Offset>& starts) {
  auto* consumer = find(key);
  if (consumer == nullptr) return;
  consumer->acknowledged = starts;
  consumer->skipped.clear();
}

void RefreshRun::skips(ConsumerKey key,
                       const std::vector<Offset>& from,
                       const std::vector<Offset>& to) {
  auto* consumer = find(key);
  if (consumer == nullptr || consumer->phase != Phase::kReplaying) return;
  for (std::size_t p = 0; p < std::min(from.size(), to.size()); ++p) {
    if (from[p] >= to[p]) continue;
    if (p >= consumer->skipped.size()) consumer->skipped.resize(p + 1);
    if (p >= consumer->acknowledged.size()) consumer->acknowledged.resize(p + 1);
    auto& known = consumer->skipped[p];
    // Something was sent since: when that is acknowledged, the one before is passed as well.
    if (from[p] > known.to) known.from = from[p];
    known.to = std::max(known.to, to[p]);
    pass_over_skipped(*consumer, p);
  }
}

void RefreshRun::pass_over_skipped(Consumer& consumer, std::size_t partition) {
  if (partition >= consumer.skipped.size()) return;
  const auto& [from, to] = consumer.skipped[partition];
  auto& known = consumer.acknowledged[partition];
  if (known >= from) known = std::max(known, to);
}

RefreshRun::Acts RefreshRun::sent_all(ConsumerKey key,
                                      const std::vector<Offset>& goal,
                                      std::int64_t now_ms) {
  Acts acts;
  auto* consumer = find(key);
  if (consumer == nullptr || consumer->phase != Phase::kReplaying) return acts;
  if (!barrier_ || !reaches(goal, *barrier_)) return acts;
  consumer->goal = goal;
  try_ready(key, *consumer, now_ms, acts);
  return acts;
}

RefreshRun::Acts RefreshRun::acknowledged(
    ConsumerKey key, std::uint64_t id, PartitionId partition, Offset next, std::int64_t now_ms) {
  Acts acts;
  auto* consumer = find(key);
  if (consumer == nullptr || !is_for_us(id) || consumer->phase != Phase::kReplaying) return acts;
  const auto p = static_cast<std::size_t>(partition.value());
  auto& known = consumer->acknowledged;
  if (p >= known.size()) known.resize(p + 1);  // the topic has grown
  if (next <= known[p]) return acts;
  known[p] = next;
  pass_over_skipped(*consumer, p);
  note_progress(*consumer, now_ms);
  try_ready(key, *consumer, now_ms, acts);
  return acts;
}

void RefreshRun::set_barrier(std::vector<Offset> barrier) {
  if (!barrier_) barrier_ = std::move(barrier);
}

RefreshRun::Acts RefreshRun::has(const std::vector<Offset>& own, std::int64_t now_ms) {
  if (is_over()) return {};
  if (!own_is_whole() && own != own_) progress_at_ms_ = now_ms;
  own_ = own;
  settle(now_ms);
  return {};
}

RefreshRun::Acts RefreshRun::tick(std::int64_t now_ms) {
  if (state_ == RefreshState::kAborted || !is_open_) return {};
  if (!is_over() && now_ms - progress_at_ms_ >= timing_.stalled_ms) {
    has_stalled_ = true;
    return abort(who_stalls());
  }
  Acts acts;
  if (is_over()) acts = leave_off_stalled(now_ms);
  for (auto& [key, consumer] : consumers_) {
    const bool resets = consumer.phase == Phase::kReset;
    if (!resets && consumer.phase != Phase::kReady) continue;
    const auto again_ms = resets ? timing_.reset_again_ms : timing_.ready_again_ms;
    if (now_ms - consumer.told_at_ms < again_ms) continue;
    consumer.told_at_ms = now_ms;
    acts.push_back({resets ? Act::Kind::kSendReset : Act::Kind::kSendReady, key});
  }
  settle(now_ms);
  return acts;
}

RefreshRun::Acts RefreshRun::abort(const std::string& why) {
  Acts acts;
  if (is_over()) return acts;
  for (const auto& [key, consumer] : consumers_)
    if (consumer.phase != Phase::kDone) acts.push_back({Act::Kind::kLeaveOff, key});
  failure_ = why;
  state_ = RefreshState::kAborted;
  away_.clear();
  ++unfinished_version_;
  return acts;
}

bool RefreshRun::is_busy_with(ConsumerKey key) const {
  const auto found = consumers_.find(key);
  return found != consumers_.end() && found->second.phase != Phase::kDone &&
         state_ != RefreshState::kAborted;
}

bool RefreshRun::is_busy() const {
  if (state_ == RefreshState::kAborted) return false;
  return !is_over() || std::ranges::any_of(consumers_, [](const auto& one) {
    return one.second.phase != Phase::kDone;
  });
}

RefreshRun::Owed RefreshRun::unfinished() const {
  Owed owed;
  if (state_ == RefreshState::kAborted) return owed;
  for (const auto& [name, away] : away_) owed[name] = away.count;
  for (const auto& [key, consumer] : consumers_)
    if (consumer.phase != Phase::kDone) ++owed[consumer.name];
  return owed;
}

RefreshStatus RefreshRun::status() const {
  RefreshStatus status{.id = definition_.id,
                       .topic = definition_.topic,
                       .state = state_,
                       .reason = definition_.reason,
                       .started_by = definition_.started_by,
                       .started_at_ms = definition_.started_at_ms,
                       .ended_at_ms = {},
                       .consumers = consumers_.size(),
                       .barrier = barrier_.value_or(std::vector<Offset>()),
                       .replayed = {},
                       .failure = failure_};
  for (const auto& [key, consumer] : consumers_) {
    if (consumer.phase != Phase::kReset) ++status.consumers_reset;
    if (consumer.phase == Phase::kDone) ++status.consumers_ready;
    auto have = consumer.phase == Phase::kDone ? status.barrier : consumer.acknowledged;
    have.resize(std::max(have.size(), status.barrier.size()));
    if (status.replayed.empty()) status.replayed = have;
    for (std::size_t p = 0; p < std::min(have.size(), status.replayed.size()); ++p)
      status.replayed[p] = std::min(status.replayed[p], have[p]);
  }
  for (const auto& [name, count] : finished_) {
    status.consumers += count;
    status.consumers_reset += count;
    status.consumers_ready += count;
  }
  for (const auto& [name, away] : away_) status.owed += away.count;
  return status;
}

RefreshRun::Consumer* RefreshRun::find(ConsumerKey key) {
  const auto found = consumers_.find(key);
  return found == consumers_.end() ? nullptr : &found->second;
}

void RefreshRun::note_progress(Consumer& consumer, std::int64_t now_ms) {
  progress_at_ms_ = consumer.progress_at_ms = now_ms;
}

void RefreshRun::try_ready(ConsumerKey key, Consumer& consumer, std::int64_t now_ms, Acts& acts) {
  if (consumer.phase != Phase::kReplaying || !consumer.goal ||
      !reaches(consumer.acknowledged, *consumer.goal))
    return;
  consumer.phase = Phase::kReady;
  consumer.told_at_ms = now_ms;
  acts.push_back({Act::Kind::kSendReady, key});
  settle(now_ms);
}

RefreshRun::Away* RefreshRun::away_of(const std::string& name) {
  if (away_.size() >= kOwedMax && !away_.contains(name)) return nullptr;
  return &away_[name];
}

bool RefreshRun::take_away(const std::string& name) {
  const auto found = away_.find(name);
  if (found == away_.end()) return false;
  if (--found->second.count == 0) away_.erase(found);
  return true;
}

// One newer seat makes good for one older one.
bool RefreshRun::is_back(ConsumerKey key, const std::string& name) {
  for (auto newer = consumers_.upper_bound(key); newer != consumers_.end(); ++newer) {
    auto& [newer_key, consumer] = *newer;
    if (consumer.name == name && std::exchange(consumer.may_be_another, false)) return true;
  }
  return false;
}

void RefreshRun::settle(std::int64_t now_ms) {
  if (is_over() || !is_open_) return;
  const auto all_at = [this](Phase phase) {
    return std::ranges::all_of(consumers_,
                               [phase](const auto& one) { return one.second.phase >= phase; });
  };
  if (state_ == RefreshState::kReplaying && !consumers_.empty() && all_at(Phase::kReady))
    state_ = RefreshState::kReadySent;
  if (all_at(Phase::kDone) && own_is_whole() && !waits_for_anybody(now_ms))
    state_ = RefreshState::kCompleted;
}

bool RefreshRun::own_is_whole() const { return barrier_ && reaches(own_, *barrier_); }

bool RefreshRun::waits_for_anybody(std::int64_t now_ms) const {
  return std::ranges::any_of(
      away_, [&](const auto& one) { return now_ms - one.second.since_ms < timing_.away_ms; });
}

// Of an ended refresh: who came back for it and does not move is owed it again.
RefreshRun::Acts RefreshRun::leave_off_stalled(std::int64_t now_ms) {
  Acts acts;
  for (const auto& [key, consumer] : consumers_) {
    if (consumer.phase != Phase::kDone && now_ms - consumer.progress_at_ms >= timing_.stalled_ms)
      acts.push_back({Act::Kind::kLeaveOff, key});
  }
  for (const auto& act : acts) leave(act.consumer, now_ms);
  return acts;
}

std::string RefreshRun::who_stalls() const {
  const auto for_s = " for " + std::to_string(timing_.stalled_ms / 1'000) + " s";
  const auto stalled = std::ranges::find_if(
      consumers_, [](const auto& one) { return one.second.phase != Phase::kDone; });
  if (!own_is_whole() || stalled == consumers_.end())
    return "no progress" + for_s + ": this broker's own copy is below the barrier";
  return "no progress" + for_s + ": \"" + stalled->second.name +
         "\" has not finished; look at its health, then start a new refresh";
}

}  // namespace xylem::broker
