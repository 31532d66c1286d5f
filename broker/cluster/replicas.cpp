#include "broker/cluster/replicas.h"

#include "pipe/child_position.h"

#include <utility>
#include <variant>

namespace xylem::broker {

Replicas::Replicas(const Context& context, ReplicaId self, Hooks hooks)
    : context_(context),
      self_(self),
      hooks_(std::move(hooks)),
      turn_end_(context.loop),
      ticker_(context.loop) {
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

Replicas::~Replicas() = default;

void Replicas::activate() {
  if (std::exchange(is_active_, true)) return;
  note_left_over();
  for (const auto& placed : context_.metadata.state().placed()) decide(placed.log);
}

// Deleted, or moved elsewhere, while this broker was down. That nobody knows a log allows nobody to
// delete it.
void Replicas::note_left_over() const {
  for (const auto& name : context_.storage.logs()) {
    const auto* record = context_.metadata.state().find(name.id);
    const auto* open = context_.partitions.find(name.id);
    if (open != nullptr && !open->is_replicated()) continue;  // this broker's own
    const bool is_older = record == nullptr && goes_on(name.id);
    if (is_older || (record != nullptr && is_member(self_, record->replicas))) continue;
    context_.logger.warn("replica.left_over",
                         {{"topic", name.topic},
                          {"id", name.id.incarnation.topic.text()},
                          {"partition", name.id.partition.value()},
                          {"hint", "no replica of this broker any more: remove it by hand"}});
  }
}

void Replicas::on_changes(const ClusterState::Changes& changes) {
  if (!is_active_) return;
  for (const auto& log : changes.partitions) decide(log);
}

Replica::Log Replicas::facts(const Partition& partition) {
  const auto& log = *partition.log();
  const auto epochs = log.epochs();
  return {.start = log.start_offset(),
          .end = log.end_offset(),
          .synced = log.durable_end(),
          .last_epoch = epochs.empty() ? kNoEpoch : epochs.back().epoch};
}

const Replicas::Hosted* Replicas::find(const LogId& log) const {
  const auto found = hosted_.find(log);
  return found == hosted_.end() ? nullptr : &found->second;
}

void Replicas::decide(const LogId& log) {
  const auto* record = context_.metadata.state().find(log);
  if (record == nullptr || !is_member(self_, record->replicas)) return leave(log);
  auto* hosted = open(log);
  if (hosted == nullptr) return;
  act(*hosted, hosted->machine.decided(*record, facts(*hosted->partition), now_ms()));
  look_for_damage(*hosted);
  hooks_.changed(log);
}

// Null: its log cannot be opened; it is tried again.
Replicas::Hosted* Replicas::open(const LogId& log) {
  if (const auto found = hosted_.find(log); found != hosted_.end()) return &found->second;
  const auto& topic = context_.metadata.state().find(log.incarnation)->topic;
  const auto opened = context_.partitions.open(topic, log.partition, *this);
  if (!opened) {
    if (unopened_.insert(log).second) {
      context_.logger.error("replica.unopened", {{"topic", topic.name},
                                                 {"partition", log.partition.value()},
                                                 {"error", opened.error().what()}});
    }
    return nullptr;
  }
  unopened_.erase(log);
  auto& hosted = hosted_.emplace(log, Hosted{*opened, Replica(self_, {})}).first->second;
  note_filled(hosted);
  return &hosted;
}

// The topic has a newer generation, in which this broker has a part as well.
bool Replicas::goes_on(const LogId& ended) const {
  const auto& state = context_.metadata.state();
  const auto* topic = state.find(ended.incarnation.topic);
  if (topic == nullptr || topic->topic.incarnation <= ended.incarnation) return false;
  const auto* record = state.find(topic->topic.log(ended.partition.value()));
  return record != nullptr && is_member(self_, record->replicas);
}

// The quorum decided that this broker has no part in it any more, or in a newer generation of it,
// which is opened with the log that this one leaves.
void Replicas::leave(const LogId& log) {
  unopened_.erase(log);
  const auto found = hosted_.find(log);
  if (found == hosted_.end()) return;
  hooks_.rest(log);
  found->second.partition->stop_leading();
  hosted_.erase(found);
  hooks_.left(log);
  if (goes_on(log)) {
    context_.partitions.forget(log);
  } else if (const auto removed = context_.partitions.remove(log); !removed) {
    context_.logger.error("replica.remove_failed", {{"error", removed.error().what()}});
  }
  hooks_.changed(log);
}

void Replicas::act(Hosted& hosted, const Replica::Actions& actions) {
  for (const auto& action : actions)
    std::visit([&](const auto& each) { act(hosted, each); }, action);
}

void Replicas::act(Hosted& hosted, const Replica::Lead& lead) {
  hooks_.rest(hosted.partition->id());
  hosted.partition->lead(lead.epoch);
  hosted.offered = hosted.partition->log()->written_end();
  context_.logger.info("replica.leads", {{"topic", hosted.partition->topic()},
                                         {"partition", hosted.partition->id().partition.value()},
                                         {"epoch", lead.epoch.value()}});
}

void Replicas::act(Hosted& hosted, const Replica::Follow& follow) {
  hosted.partition->stop_leading();
  hooks_.follow(hosted.partition->id(), follow.leader);
}

void Replicas::act(Hosted& hosted, const Replica::Rest& /*rest*/) {
  hosted.partition->stop_leading();
  hooks_.rest(hosted.partition->id());
}

// Those of one turn are decided together.
void Replicas::act(Hosted& hosted, const Replica::Propose& proposal) {
  if (proposals_.changes.empty()) turn_end_.add([this] { propose(); });
  proposals_.changes.push_back({hosted.partition->id(), self_, proposal.version, proposal.in_sync});
  if (proposals_.changes.size() >= kChangesMax) propose();
}

void Replicas::act(Hosted& hosted, const Replica::Commit& commit) {
  hosted.partition->commit(commit.high_watermark);
  context_.partitions.announce(*hosted.partition);
}

void Replicas::act(Hosted& hosted, const Replica::Truncate& truncate) {
  context_.logger.warn("replica.cut_back", {{"topic", hosted.partition->topic()},
                                            {"partition", hosted.partition->id().partition.value()},
                                            {"from", hosted.partition->log()->end_offset().value()},
                                            {"to", truncate.offset.value()}});
  if (const auto cut = hosted.partition->cut_back(truncate.offset); !cut)
    context_.logger.error("replica.cut_failed", {{"error", cut.error().what()}});
  context_.partitions.announce(*hosted.partition);
}

void Replicas::propose() {
  const auto proposals = std::exchange(proposals_, {});
  if (proposals.changes.empty()) return;
  // What is not decided is proposed again by the machines.
  context_.metadata.propose(proposals, [this](const Status& decided) {
    if (!decided) context_.logger.debug("replica.not_decided", {{"error", decided.error().what()}});
  });
}

void Replicas::fetched(ReplicaId follower, const pipe::FetchPartition& at) {
  const auto found = hosted_.find(at.log);
  if (found == hosted_.end() || !at.following) return;
  auto& hosted = found->second;
  const auto& following = *at.following;
  act(hosted, hosted.machine.fetched({.replica = follower,
                                      .epoch = following.epoch,
                                      .end = at.cursor,
                                      .synced = following.synced,
                                      .version = following.version},
                                     facts(*hosted.partition), now_ms()));
}

void Replicas::heard(ReplicaId follower) { heard_ms_[follower] = now_ms(); }

Result<pipe::FetchPartition> Replicas::position(const LogId& log) const {
  const auto* hosted = find(log);
  if (hosted == nullptr) return fail(Errc::kUnknownTopicOrPartition, "the replica is gone");
  auto at = pipe::position_of(log, *hosted->partition->log());
  if (!at) return at;
  const auto& record = hosted->machine.record();
  at->following = pipe::Following{.version = record.version,
                                  .synced = hosted->partition->log()->durable_end(),
                                  .epoch = record.epoch};
  return at;
}

Status Replicas::store(const pipe::FetchedPartition& fetched) {
  const auto found = hosted_.find(fetched.log);
  if (found == hosted_.end()) return {};  // it left while the answer was under way
  auto& hosted = found->second;
  auto& log = *hosted.partition->log();
  if (hosted.machine.role() != Replica::Role::kFollower || fetched.epoch != hosted.machine.epoch())
    return {};
  if (const auto bounds = pipe::inherited(log, fetched)) {
    if (auto done = log.inherit_compaction(*bounds); !done) return done;
  }
  const Bytes batches = fetched.batches.empty() ? Bytes() : fetched.batches.front().bytes;
  auto stored = hosted.partition->store(batches, fetched.high_watermark, fetched.age_ms);
  if (!stored) {
    context_.logger.warn("replica.store_failed", {{"topic", hosted.partition->topic()},
                                                  {"partition", fetched.log.partition.value()},
                                                  {"error", stored.error().what()}});
    return stored;
  }
  act(hosted,
      hosted.machine.leader_said(fetched.epoch, fetched.high_watermark, facts(*hosted.partition)));
  return {};
}

Status Replicas::repair(const pipe::FetchedPartition& fetched) {
  const auto found = hosted_.find(fetched.log);
  if (found == hosted_.end() || found->second.machine.role() != Replica::Role::kFollower) return {};
  auto& hosted = found->second;
  if (fetched.state == pipe::FetchState::kOutOfRange) {
    context_.logger.warn("replica.begins_anew", {{"topic", hosted.partition->topic()},
                                                 {"partition", fetched.log.partition.value()},
                                                 {"start", fetched.offset.value()}});
    auto done = hosted.partition->restart_at(fetched.offset);
    hosted.machine.log_cut(facts(*hosted.partition));
    context_.partitions.announce(*hosted.partition);
    return done;
  }
  if (fetched.state != pipe::FetchState::kDiverged) return {};
  const auto log = facts(*hosted.partition);
  const auto cut_at = pipe::cut_point(*hosted.partition->log(), fetched);
  if (!cut_at) return std::unexpected(cut_at.error());
  // The pipe has seen to it that the log is still what it was when it was asked with.
  act(hosted, hosted.machine.leader_said({.leader = hosted.machine.record().leader,
                                          .epoch = hosted.machine.epoch(),
                                          .asked_end = fetched.cursor,
                                          .asked_last_epoch = log.last_epoch,
                                          .offset = *cut_at},
                                         log));
  return {};
}

void Replicas::confirm(const LogId& log, std::uint64_t age_ms) {
  if (const auto* hosted = find(log)) hosted->partition->confirm(age_ms);
}

void Replicas::log_moved(Partition& partition) {
  const auto good = partition.log()->writable();
  if (!good && good.error().code() != Errc::kDiskFull) ask_to_be_fenced();
  const auto found = hosted_.find(partition.id());
  if (found == hosted_.end()) return;
  auto& hosted = found->second;
  note_filled(hosted);
  look_for_damage(hosted);
  if (hosted.machine.role() != Replica::Role::kLeader) return hooks_.moved(partition);
  act(hosted, hosted.machine.log_moved(facts(partition), now_ms()));
  const auto written = partition.log()->written_end();
  if (std::exchange(hosted.offered, written) != written) hooks_.changed(partition.id());
}

// An empty log has nothing to lose, and need not be on the disk.
void Replicas::note_filled(Hosted& hosted) {
  if (hosted.is_filled || hosted.partition->log()->durable_end() == Offset(0)) return;
  hosted.is_filled = true;
  hooks_.filled(hosted.partition->id());
}

// Nobody counts on who is out of the set: it begins before what it has lost. Who is alone in it has
// nobody to pull that from: it serves the rest.
void Replicas::look_for_damage(Hosted& hosted) {
  auto& partition = *hosted.partition;
  const auto& in_sync = hosted.machine.record().in_sync;
  const bool is_in_sync = is_member(self_, in_sync);
  partition.set_others_have_all(in_sync.size() > 1 || !is_in_sync);
  if (!partition.log()->has_lost()) {
    hosted.is_damage_told = false;
  } else if (is_in_sync) {
    const bool may_leave = in_sync.size() > 1;
    if (may_leave && !std::exchange(hosted.is_damage_told, true)) hooks_.damaged(partition.id());
  } else if (hosted.machine.role() == Replica::Role::kFollower &&
             partition.log()->lost().front().from < partition.log()->end_offset()) {
    context_.partitions.give_up_lost(partition);
    hosted.machine.log_cut(facts(partition));
    hooks_.moved(partition);
  }
}

Status Replicas::may_append(const LogId& log, Acks acks) const {
  const auto* hosted = find(log);
  if (acks != Acks::kAll || hosted == nullptr) return {};
  const auto keeping_up = hosted->machine.keeping_up(now_ms());
  const auto& record = hosted->machine.record();
  if (keeping_up < record.min_insync)
    return fail(Errc::kNotEnoughReplicas,
                std::to_string(keeping_up) + " replicas in sync keep up, and " +
                    std::to_string(record.min_insync) + " are needed to promise anything",
                "retry when more brokers are up");
  if (keeping_up < record.in_sync.size() && !context_.metadata.has_quorum())
    return fail(Errc::kNotEnoughReplicas,
                std::to_string(keeping_up) + " of " + std::to_string(record.in_sync.size()) +
                    " replicas in sync keep up, and too few root brokers are up to go on "
                    "without the others",
                "retry when more brokers are up");
  return {};
}

std::uint16_t Replicas::synced_at(const LogId& log, Offset end) const {
  const auto* hosted = find(log);
  return hosted == nullptr ? 0 : hosted->machine.synced_at(end, facts(*hosted->partition));
}

std::uint64_t Replicas::leader_age_ms() const { return context_.metadata.contact_age_ms(); }

void Replicas::tick() {
  for (const auto& log : std::set<LogId>(unopened_)) decide(log);
  for (auto& [log, hosted] : hosted_) {
    if (hosted.machine.role() != Replica::Role::kLeader) continue;
    const auto now = facts(*hosted.partition);
    for (const auto follower : hosted.machine.record().replicas) {
      const auto heard = heard_ms_.find(follower);
      if (heard != heard_ms_.end()) act(hosted, hosted.machine.heard(follower, now, heard->second));
    }
    act(hosted, hosted.machine.tick(now_ms()));
  }
  if (is_out_) ask_to_be_fenced();
}

void Replicas::ask_to_be_fenced() {
  if (!std::exchange(is_out_, true))
    context_.logger.error("replicas.out", {{"hint", "a log failed; mend the disk and restart"}});
  const auto& brokers = context_.metadata.state().brokers();
  const auto self = brokers.find(self_);
  if (self == brokers.end() || !self->second.is_alive) return;
  context_.metadata.propose(FenceBroker{self_}, [](const Status&) {});  // the tick asks again
}

}  // namespace xylem::broker
