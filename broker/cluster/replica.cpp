#include "broker/cluster/replica.h"

#include "pipe/planted_bug.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace xylem::broker {
Replica::Actions Replica::decided(const PartitionRecord& record,
                                  const Log& log,
                                  std::int64_t now_ms) {
  if (record.version <= record_.version) return {};
  const bool is_new_epoch = record.epoch > record_.epoch;
  const auto before = std::exchange(role_, Role::kNone);
  record_ = record;
  undecided_.clear();  // of two decisions on one version there is one
  if (is_member(id_, record.replicas) && record.leader != kNoReplica)
    role_ = record.leader == id_ ? Role::kLeader : Role::kFollower;

  Actions actions;
  if (role_ == Role::kLeader) {
    if (is_new_epoch) {
      lead(log, now_ms);
      actions.emplace_back(Lead{record.epoch});
    }
    commit(log, actions);
    propose(now_ms, actions);
  } else if (role_ == Role::kFollower) {
    if (is_new_epoch || before != role_) actions.emplace_back(Follow{record.leader, record.epoch});
  } else if (before != role_) {
    actions.emplace_back(Rest{});
  }
  return actions;
}

void Replica::lead(const Log& log, std::int64_t now_ms) {
  epoch_start_ = log.end;
  followers_.clear();
  for (const auto member : record_.in_sync) {
    if (member != id_) followers_[member].caught_up_ms = now_ms;
  }
}

Replica::Actions Replica::log_moved(const Log& log, std::int64_t now_ms) {
  Actions actions;
  if (role_ != Role::kLeader) return actions;
  commit(log, actions);
  propose(now_ms, actions);
  return actions;
}

Replica::Actions Replica::fetched(const Fetch& fetch, const Log& log, std::int64_t now_ms) {
  Actions actions;
  if (role_ != Role::kLeader || fetch.epoch != record_.epoch) return actions;
  // Who goes by a newer record may be a member by that one, and will not say again where it stands.
  const bool may_be_member =
      is_member(fetch.replica, record_.replicas) || fetch.version > record_.version;
  if (fetch.replica == id_ || !may_be_member) return actions;
  auto& follower = followers_[fetch.replica];
  if (fetch.end >= log.end)
    follower.caught_up_ms = now_ms;
  else if (follower.has_fetched && fetch.end >= follower.leader_end)
    follower.caught_up_ms = std::max(follower.caught_up_ms, follower.fetched_ms);
  follower.end = fetch.end;
  follower.synced =
      is_planted(PlantedBug::kCommitWithoutSync) ? fetch.end : std::min(fetch.synced, fetch.end);
  follower.has_fetched = true;
  follower.version = fetch.version;
  follower.leader_end = log.end;
  follower.fetched_ms = now_ms;
  commit(log, actions);
  propose(now_ms, actions);
  return actions;
}

Replica::Actions Replica::heard(ReplicaId follower, const Log& log, std::int64_t now_ms) {
  Actions actions;
  const auto found = followers_.find(follower);
  if (role_ != Role::kLeader || found == followers_.end()) return actions;
  if (found->second.has_fetched && found->second.end >= log.end)
    found->second.caught_up_ms = std::max(found->second.caught_up_ms, now_ms);
  propose(now_ms, actions);
  return actions;
}

Offset Replica::synced_of(ReplicaId member, const Log& log) const {
  if (member == id_) return log.synced;
  const auto found = followers_.find(member);
  return found == followers_.end() ? Offset(0) : found->second.synced;
}

void Replica::commit(const Log& log, Actions& actions) {
  if (record_.in_sync.size() < record_.min_insync) return;
  auto safe = log.synced;
  const auto& counted = is_planted(PlantedBug::kShrinkBeforeDecision) && !undecided_.empty()
                            ? undecided_.back()
                            : record_.in_sync;
  for (const auto member : counted) safe = std::min(safe, synced_of(member, log));
  for (const auto& set : undecided_) {
    if (is_planted(PlantedBug::kJoinerNotCounted)) break;
    for (const auto member : set) safe = std::min(safe, synced_of(member, log));
  }
  if (safe <= high_watermark_) return;
  high_watermark_ = safe;
  actions.emplace_back(Commit{safe});
}

bool Replica::may_join(const Follower& follower) const {
  const bool has_heard =
      follower.version == record_.version || is_planted(PlantedBug::kJoinByOldRecord);
  return follower.has_fetched && has_heard && follower.synced >= high_watermark_ &&
         (follower.synced >= epoch_start_ || is_planted(PlantedBug::kJoinBehindEpochStart));
}

bool Replica::keeps_up(ReplicaId member, std::int64_t now_ms) const {
  if (member == id_) return true;
  const auto found = followers_.find(member);
  return found != followers_.end() && now_ms - found->second.caught_up_ms <= options_.lag_max_ms;
}

std::uint16_t Replica::keeping_up(std::int64_t now_ms) const {
  return static_cast<std::uint16_t>(std::ranges::count_if(
      record_.in_sync, [&](ReplicaId member) { return keeps_up(member, now_ms); }));
}

void Replica::propose(std::int64_t now_ms, Actions& actions) {
  if (!undecided_.empty() && now_ms - proposed_ms_ < options_.proposal_retry_ms) return;
  ReplicaSet wanted;
  for (const auto replica : record_.replicas) {
    if (!keeps_up(replica, now_ms)) continue;
    if (is_member(replica, record_.in_sync) || may_join(followers_.at(replica)))
      wanted.push_back(replica);
  }
  if (wanted.size() < record_.min_insync) {
    ReplicaSet kept;
    std::ranges::set_union(wanted, record_.in_sync, std::back_inserter(kept));
    wanted = std::move(kept);
  }
  // The same set again takes the place of what was proposed and never decided: it counts no more.
  if (wanted == record_.in_sync && undecided_.empty()) return;
  proposed_ms_ = now_ms;
  if (std::ranges::find(undecided_, wanted) == undecided_.end()) undecided_.push_back(wanted);
  actions.emplace_back(Propose{std::move(wanted), record_.version});
}

Replica::Actions Replica::leader_said(Epoch epoch, Offset high_watermark, const Log& log) {
  Actions actions;
  if (role_ != Role::kFollower || epoch != record_.epoch) return actions;
  const auto known = std::min(high_watermark, log.end);
  if (known <= high_watermark_) return actions;
  high_watermark_ = known;
  actions.emplace_back(Commit{known});
  return actions;
}

Replica::Actions Replica::leader_said(const CutBack& answer, const Log& log) {
  Actions actions;
  const bool is_about_us = role_ == Role::kFollower && answer.leader == record_.leader &&
                           answer.epoch == record_.epoch && answer.asked_end == log.end &&
                           answer.asked_last_epoch == log.last_epoch;
  if (!is_about_us && !is_planted(PlantedBug::kStaleCutBack)) return actions;
  const auto offset = is_planted(PlantedBug::kCutToHighWatermark) ? high_watermark_ : answer.offset;
  if (offset >= log.end) return actions;
  high_watermark_ = std::min(high_watermark_, offset);
  actions.emplace_back(Truncate{offset});
  return actions;
}

Replica::Actions Replica::tick(std::int64_t now_ms) {
  Actions actions;
  if (role_ == Role::kLeader) propose(now_ms, actions);
  return actions;
}

std::uint16_t Replica::synced_at(Offset end, const Log& log) const {
  return static_cast<std::uint16_t>(std::ranges::count_if(
      record_.in_sync, [&](ReplicaId member) { return synced_of(member, log) >= end; }));
}

}  // namespace xylem::broker
