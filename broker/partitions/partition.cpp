#include "broker/partitions/partition.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

namespace xylem::broker {

Partition::Partition(std::string topic,
                     std::shared_ptr<storage::PartitionLog> log,
                     const Clock& clock)
    : topic_(std::move(topic)), log_(std::move(log)), clock_(clock), high_watermark_(whole_end()) {}

Partition::~Partition() {
  for (auto& pending : pending_)
    pending.done(fail(Errc::kCancelled, "the partition was closed before the commit"));
}

void Partition::lead(Epoch epoch) {
  leads_ = true;
  epoch_ = epoch;
  high_watermark_ = log_->durable_end();
}

Epoch Partition::epoch() const {
  if (leads_) return epoch_;
  const auto epochs = log_->epochs();
  return epochs.empty() ? kNoEpoch : epochs.back().epoch;
}

std::uint64_t Partition::age_ms() const {
  if (leads_) return 0;  // a root tier of one is always in contact with its quorum
  if (!reached_) return kAgeUnknown;
  return reached_->age_ms + static_cast<std::uint64_t>(clock_.monotonic_ms() - reached_->at_ms);
}

void Partition::append(Bytes batch, AppendDone done) {
  if (!leads_) return done(fail(Errc::kNotLeader, "this broker does not own " + topic_));
  if (pending_.size() >= kPendingMax)
    return done(fail(Errc::kUnavailable, "too many appends wait for their commit", "retry later"));
  const auto header = read_batch_header(batch);
  if (!header) return done(std::unexpected(header.error()));
  auto base = log_->append(batch, epoch_);
  if (!base) return done(pass(base));
  const auto next = *base + (header->last_offset_delta + std::int64_t{1});
  pending_.push_back({{.base_offset = *base, .next_offset = next}, std::move(done)});
}

Status Partition::store(Bytes batches, Offset high_watermark, std::uint64_t age_ms) {
  parent_high_watermark_ = high_watermark;
  if (!batches.empty()) {
    auto stored = log_->append_as_is(batches);
    if (!stored) return stored;
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
  high_watermark_ = whole_end();
  reached_.reset();
  told_.clear();
  return {};
}

Status Partition::cut_back(Offset offset) {
  auto cut = log_->cut_back(offset);
  high_watermark_ = std::min(high_watermark_, whole_end());
  return cut;
}

// All below it is here.
Offset Partition::whole_end() const {
  const auto lost = log_->lost();
  const auto written = log_->written_end();
  return lost.empty() ? written : std::min(written, lost.front().from);
}

Result<bool> Partition::cut_lost_tail() {
  if (leads_) return false;
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
  // A stricter flush policy takes nothing back that was committed under the old one.
  high_watermark_ = leads_ ? std::max(high_watermark_, log_->durable_end()) : whole_end();
  settle_pending();
  refuse_unwritten();
}

// Who waits for a full disk is told so: the producer decides how long to try.
void Partition::refuse_unwritten() {
  const auto full = log_->writable();
  if (!leads_ || full || full.error().code() != Errc::kDiskFull) return;
  if (auto given_up = log_->give_up_unwritten(); !given_up) return;
  std::vector<Pending> refused;
  while (!pending_.empty() && pending_.back().appended.next_offset > log_->end_offset()) {
    refused.push_back(std::move(pending_.back()));
    pending_.pop_back();
  }
  for (auto& pending : std::views::reverse(refused)) pending.done(std::unexpected(full.error()));
}

void Partition::settle_pending() {
  settle_age();
  while (!pending_.empty() && pending_.front().appended.next_offset <= high_watermark_) {
    auto settled = std::move(pending_.front());
    pending_.pop_front();
    settled.appended.replicas_synced = settled.appended.next_offset <= log_->synced_end() ? 1 : 0;
    settled.done(settled.appended);
  }
  if (const auto good = log_->writable(); !good && good.error().code() != Errc::kDiskFull) {
    for (auto failed = std::exchange(pending_, {}); auto& pending : failed)
      pending.done(std::unexpected(good.error()));
  }
}

}  // namespace xylem::broker
