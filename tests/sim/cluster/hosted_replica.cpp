#include "tests/sim/cluster/hosted_replica.h"

#include "common/check.h"
#include "pipe/child_position.h"

#include <algorithm>
#include <utility>

namespace xylem::sim {

using broker::Replica;

HostedReplica::HostedReplica(Setting& setting,
                             std::size_t host,
                             std::size_t partition,
                             std::shared_ptr<ModelLog> log,
                             DiskState& disk,
                             Propose propose)
    : setting_(setting),
      host_(host),
      partition_(partition),
      log_(std::move(log)),
      disk_(disk),
      propose_(std::move(propose)),
      committer_(setting.hosts, host, setting.random, disk, log_, [this] { log_moved(); }),
      machine_(replica_of(host), Replica::Options()) {
  ask_later();
}

Replica::Log HostedReplica::facts() const {
  const auto& epochs = log_->epochs();
  return {log_->start_offset(), log_->end_offset(), log_->synced_end(),
          epochs.empty() ? kNoEpoch : epochs.back().epoch};
}

void HostedReplica::decided(const broker::PartitionRecord& record) {
  act(machine_.decided(record, facts(), setting_.hosts.now_ms()));
  if (!leads()) refuse_waiters();
}

void HostedReplica::tick() { act(machine_.tick(setting_.hosts.now_ms())); }

void HostedReplica::heard(broker::ReplicaId follower, std::int64_t at_ms) {
  act(machine_.heard(follower, facts(), at_ms));
}

void HostedReplica::act(const Replica::Actions& actions) {
  for (const auto& action : actions) {
    if (const auto* lead_now = std::get_if<Replica::Lead>(&action)) {
      lead(lead_now->epoch);
    } else if (const auto* proposal = std::get_if<Replica::Propose>(&action)) {
      propose_(broker::ChangeInSync{
          {{setting_.log(partition_), machine_.id(), proposal->version, proposal->in_sync}}});
    } else if (const auto* commit = std::get_if<Replica::Commit>(&action)) {
      committed(commit->high_watermark);
    } else if (const auto* cut = std::get_if<Replica::Truncate>(&action)) {
      cut_back(cut->offset);
    }
  }
}

// Whoever leads knows its producers by walking the log.
void HostedReplica::lead(Epoch epoch) {
  setting_.trace.note([&] {
    return "root " + std::to_string(host_) + " leads partition " + std::to_string(partition_) +
           " in epoch " + std::to_string(epoch.value());
  });
  refuse_waiters();
  producers_ = {};
  for (const auto* batch : log_->batches()) producers_.add(batch->header);
  // Of an epoch that is over already it does not matter: it commits nothing.
  if (setting_.record(partition_)->epoch == epoch) setting_.history.led(partition_, *log_);
}

void HostedReplica::committed(Offset high_watermark) {
  if (!leads()) return setting_.history.followed(partition_, *log_, high_watermark);
  setting_.history.committed(partition_, machine_.id(), machine_.epoch(), *log_, high_watermark);
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    if (waiter.next > high_watermark) return false;
    waiter.reply({Produced::Outcome::kAcknowledged, waiter.sequence, waiter.base,
                  machine_.synced_at(waiter.next, facts()), machine_.id()});
    return true;
  });
}

void HostedReplica::cut_back(Offset offset) {
  setting_.trace.note([&] {
    return "root " + std::to_string(host_) + " cuts partition " + std::to_string(partition_) +
           " back from " + std::to_string(log_->end_offset().value()) + " to " +
           std::to_string(offset.value());
  });
  setting_.history.cuts(partition_, *log_, offset);
  XYLEM_CHECK(log_->cut_back(offset).has_value());
}

void HostedReplica::refuse_waiters() {
  for (const auto& waiter : waiters_) {
    waiter.reply({Produced::Outcome::kNotLeader, waiter.sequence, {}, 0, machine_.record().leader});
  }
  waiters_.clear();
}

void HostedReplica::produce(Bytes batch, const Reply& reply) {
  const auto header = check_batch(batch);
  XYLEM_CHECK(header.has_value());
  Produced answer{.sequence = header->base_sequence, .leader = machine_.record().leader};
  if (!leads()) {
    answer.outcome = Produced::Outcome::kNotLeader;
    return reply(answer);
  }
  const auto there = appended(batch);
  if (!there) return reply(answer);
  waiters_.push_back({header->base_sequence, there->base, there->next, reply});
  committed(machine_.high_watermark());  // of one that was there it may be known already
  committer_.wake();
}

Result<broker::ProducerStates::Offsets> HostedReplica::appended(Bytes batch) {
  auto header = *read_batch_header(batch);
  const auto known = producers_.check(header);
  if (!known) return std::unexpected(known.error());
  if (*known) return **known;
  if (machine_.keeping_up(setting_.hosts.now_ms()) < machine_.record().min_insync)
    return fail(Errc::kNotEnoughReplicas, "too few in sync");
  if (disk_.is_full) return fail(Errc::kDiskFull, "no room");
  auto base = log_->append(batch, machine_.epoch());
  if (!base) return pass(base);
  header.base_offset = *base;
  producers_.add(header);
  return broker::ProducerStates::Offsets{*base, header.next_offset()};
}

void HostedReplica::log_moved() {
  act(machine_.log_moved(facts(), setting_.hosts.now_ms()));
  if (!leads()) ask();
}

void HostedReplica::ask_later() {
  const auto pause_us = static_cast<std::uint64_t>(setting_.pace.fetch_us);
  setting_.hosts.after(
      host_, static_cast<std::int64_t>(pause_us / 2 + setting_.random.below(pause_us)), [this] {
        ask();
        ask_later();
      });
}

pipe::FetchPartition HostedReplica::position() const {
  auto at = *pipe::position_of(setting_.log(partition_), *log_);
  at.following = pipe::Following{.version = machine_.record().version,
                                 .synced = log_->synced_end(),
                                 .epoch = machine_.epoch()};
  return at;
}

void HostedReplica::ask() {
  if (machine_.role() != Replica::Role::kFollower || log_->is_fenced()) return;
  setting_.ask(
      host_of(machine_.record().leader),
      {.from = host_, .partition = partition_, .asker = pipe::Asker::kReplica, .at = position()});
}

std::optional<Answer> HostedReplica::answer(const Question& question) {
  const bool has_role = machine_.role() != Replica::Role::kNone;
  const pipe::SourcePartition source{.log = has_role ? log_ : nullptr,
                                     .high_watermark = machine_.high_watermark(),
                                     .is_leader = leads(),
                                     .epoch = machine_.epoch(),
                                     .leader = {},
                                     .leader_address = {},
                                     .compacted_below = {},
                                     .tombstone_horizon = {}};
  auto verdict = pipe::judge(question.at, source, question.asker);
  Answer answer{question, host_, verdict.answer, batches_for(verdict, *log_)};
  if (question.asker == pipe::Asker::kReplica && verdict.answer.state == pipe::FetchState::kOk) {
    const auto& following = *question.at.following;
    act(machine_.fetched({replica_of(question.from), following.epoch, question.at.cursor,
                          following.synced, following.version},
                         facts(), setting_.hosts.now_ms()));
    answer.said.high_watermark = machine_.high_watermark();
  }
  return answer;
}

void HostedReplica::hear(const Answer& answer) {
  if (answer.said.state == pipe::FetchState::kOk) return store(answer);
  if (answer.said.state != pipe::FetchState::kDiverged) return;
  setting_.trace.note([&] {
    return "root " + std::to_string(host_) + " with " +
           std::to_string(answer.question.at.cursor.value()) + " of partition " +
           std::to_string(partition_) + " hears from root " + std::to_string(answer.from) +
           " that it differs from " + std::to_string(answer.said.offset.value()) + " on";
  });
  const auto offset = pipe::cut_point(*log_, answer.said);
  const auto& asked = answer.question.at;
  act(machine_.leader_said(
      {replica_of(answer.from), asked.following->epoch, asked.cursor, asked.last_epoch, *offset},
      facts()));
}

// Good only for the log, the leader and the epoch that it was asked for.
void HostedReplica::store(const Answer& answer) {
  const bool is_about_us = machine_.role() == Replica::Role::kFollower &&
                           answer.said.epoch == machine_.epoch() &&
                           position().still_asks(answer.question.at);
  if (!is_about_us || log_->is_fenced() || disk_.is_full) return;
  if (!setting_.history.continues(*log_, answer.batches)) return;
  for (auto* batch : answer.batches) log_->take(batch);
  committer_.wake();
  act(machine_.leader_said(answer.said.epoch, answer.said.high_watermark, facts()));
}

}  // namespace xylem::sim
