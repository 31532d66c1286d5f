#include "broker/partitions/partition.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

namespace xylem::broker {

Partition::Partition(std::string topic,
                     std::shared_ptr<storage::PartitionLog> log,
                     const Clock& clock,
                     Replication* replication)
    : topic_(std::move(topic)),
      log_(std::move(log)),
      clock_(clock),
      replication_(replication),
      high_watermark_(is_replicated() ? log_->start_offset() : whole_end()),
      producers_(*log_) {}

Partition::~Partition() {
  refuse_all(Error(Errc::kCancelled, "the partition was closed before the commit"));
}

void Partition::lead(Epoch epoch) {
  if (!std::exchange(leads_, true)) producers_.begin();
  epoch_ = epoch;
  log_->set_tells_written(is_replicated());
  if (!is_replicated()) high_watermark_ = log_->durable_end();
}

void Partition::stop_leading() {
  if (!std::exchange(leads_, false)) return;
  log_->set_tells_written(false);
  refuse_all(Error(Errc::kNotLeader, "another broker leads " + topic_ + " now"));
}

void Partition::commit(Offset high_watermark) {
  high_watermark_ = std::max(high_watermark_, high_watermark);
  knows_committed_ = true;
  settle_pending();
}

Epoch Partition::epoch() const {
  if (leads_) return epoch_;
  const auto epochs = log_->epochs();
  return epochs.empty() ? kNoEpoch : epochs.back().epoch;
}

std::uint64_t Partition::age_ms() const {
  // A root tier of one is always in contact with its quorum.
  if (leads_) return is_replicated() ? replication_->leader_age_ms() : 0;
  if (!reached_) return kAgeUnknown;
  return reached_->age_ms + static_cast<std::uint64_t>(clock_.monotonic_ms() - reached_->at_ms);
}

void Partition::append(Bytes batch,
                       Acks acks,
                       AppendDone done,
                       std::optional<Offset> numbered_since) {
  if (!leads_) return done(fail(Errc::kNotLeader, "this broker does not own " + topic_));
  if (is_replicated()) {
    if (auto may = replication_->may_append(id(), acks); !may) return done(pass(may));
  }
  auto& waiting = acks == Acks::kAll ? pending_ : leader_alone_;
  if (waiting.size() >= kPendingMax)
    return done(fail(Errc::kUnavailable, "too many appends wait for their commit", "retry later"));
  const auto header = read_batch_header(batch);
  if (!header) return done(std::unexpected(header.error()));
  const auto known = producers_.check(*header, numbered_since);
  if (!known) return done(std::unexpected(known.error()));
  if (*known) {
    await_commit(waiting, {.base_offset = (*known)->base, .next_offset = (*known)->next},
                 std::move(done));
    return settle_pending();
  }
  auto base = log_->append(batch, epoch_);
  if (!base) return done(pass(base));
  producers_.appended(*header, *base);
  const auto next = *base + (header->last_offset_delta + std::int64_t{1});
  await_commit(waiting, {.base_offset = *base, .next_offset = next}, std::move(done));
}

void Partition::await_commit(std::deque<Pending>& waiting,
                             const Appended& appended,
                             AppendDone done) {
  const auto place =
      std::ranges::upper_bound(waiting, appended.next_offset, {},
                               [](const Pending& pending) { return pending.appended.next_offset; });
  waiting.insert(place, {appended, std::move(done)});
}

Status Partition::store(Bytes batches, Offset high_watermark, std::uint64_t age_ms) {
  parent_high_watermark_ = high_watermark;
  has_heard_parent_ = true;
  if (!batches.empty()) {
    auto stored = log_->append_as_is(batches);
    if (!stored) return stored;
    if (is_replicated())
      producers_.follow(batches);
    else
      producers_.forget();  // of no use to who never leads
  }
  confirm(age_ms);
  return {};
}

void Partition::confirm(std::uint64_t age_ms) {
  if (age_ms == kAgeUnknown) return;
  if (told_.size() > 1) told_.pop_back();
  told_.push_back({parent_high_watermark_, age_ms, clock_.monotonic_ms()});
  settle_age();
}

void Partition::settle_age() {
  for (auto told = told_.end(); told != told_.begin();) {
    if ((--told)->high_watermark > high_watermark_) continue;
    reached_ = *told;
    told_.erase(told_.begin(), told + 1);
    return;
  }
}

Status Partition::restart_at(Offset start) {
  auto dropped = log_->drop_before(std::max(start, log_->end_offset()));
  if (dropped && log_->start_offset() > start) dropped = log_->cut_back(start);
  if (!dropped) return dropped;
  begun_anew_at_ = start;
  producers_.forget();
  high_watermark_ = is_replicated() ? start : whole_end();
  reached_.reset();
  told_.clear();
  return {};
}

Status Partition::cut_back(Offset offset) {
  auto cut = log_->cut_back(offset);
  producers_.cut_back(log_->end_offset());
  high_watermark_ = std::min(high_watermark_, whole_end());
  return cut;
}

Offset Partition::high_watermark() const {
  if (is_to_be_filled()) return std::min(high_watermark_, whole_end());
  const bool follows = is_replicated() && !leads_;
  return follows ? std::min(high_watermark_, log_->written_end()) : high_watermark_;
}

// All below it is here.
Offset Partition::whole_end() const {
  const auto lost = log_->lost();
  const auto written = log_->written_end();
  return lost.empty() ? written : std::min(written, lost.front().from);
}

Result<bool> Partition::cut_lost_tail() {
  if (leads_ || is_replicated()) return false;
  const auto lost = log_->lost();
  if (lost.empty()) return false;
  auto last = log_->last_batch_below(log_->end_offset());
  if (!last) return pass(last);
  if (*last && (*last)->base_offset >= lost.back().to) return false;
  if (auto cut = cut_back(lost.back().from); !cut) return pass(cut);
  return true;
}

Result<bool> Partition::give_up_lost() {
  if (leads_) return false;
  const auto lost = log_->lost();
  if (lost.empty()) return false;
  if (auto cut = cut_back(lost.front().from); !cut) return pass(cut);
  return true;
}

void Partition::on_log_progress() {
  if (is_replicated()) {
    replication_->log_moved(*this);
  } else {
    // A stricter flush policy takes nothing back that was committed under the old one.
    high_watermark_ = leads_ ? std::max(high_watermark_, log_->durable_end()) : whole_end();
  }
  settle_pending();
  refuse_unwritten();
}

// Who waits for a full disk is told so: the producer decides how long to try.
void Partition::refuse_unwritten() {
  const auto full = log_->writable();
  if (!leads_ || full || full.error().code() != Errc::kDiskFull) return;
  if (auto given_up = log_->give_up_unwritten(); !given_up) return;
  producers_.cut_back(log_->end_offset());
  std::vector<Pending> refused;
  for (auto* waiting : {&pending_, &leader_alone_}) {
    while (!waiting->empty() && waiting->back().appended.next_offset > log_->end_offset()) {
      refused.push_back(std::move(waiting->back()));
      waiting->pop_back();
    }
  }
  for (auto& pending : std::views::reverse(refused)) pending.done(std::unexpected(full.error()));
}

void Partition::settle_pending() {
  settle_age();
  settle(pending_, high_watermark_);
  settle(leader_alone_, log_->durable_end());
  if (const auto good = log_->writable(); !good && good.error().code() != Errc::kDiskFull)
    refuse_all(good.error());
}

void Partition::settle(std::deque<Pending>& pending, Offset below) {
  while (!pending.empty() && pending.front().appended.next_offset <= below) {
    auto settled = std::move(pending.front());
    pending.pop_front();
    const auto next = settled.appended.next_offset;
    const bool is_synced_here = next <= log_->synced_end();
    settled.appended.replicas_synced =
        is_replicated() ? replication_->synced_at(id(), next) : (is_synced_here ? 1 : 0);
    settled.done(settled.appended);
  }
}

void Partition::refuse_all(const Error& why) {
  for (auto* waiting : {&pending_, &leader_alone_}) {
    for (auto refused = std::exchange(*waiting, {}); auto& pending : refused)
      pending.done(std::unexpected(why));
  }
}

}  // namespace xylem::broker
