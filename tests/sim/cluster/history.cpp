#include "tests/sim/cluster/history.h"

#include <algorithm>
#include <bit>
#include <iterator>

namespace xylem::sim {
namespace {

std::string text_of(const StoredBatch& batch) {
  const auto& header = batch.header;
  return std::to_string(header.producer_id) + "." + std::to_string(header.base_sequence) + " at " +
         std::to_string(header.base_offset.value()) + " of epoch " +
         std::to_string(header.epoch.value());
}

std::size_t disks_of(const StoredBatch& batch) {
  return static_cast<std::size_t>(std::popcount(batch.synced_by));
}

}  // namespace

History::History(std::size_t partitions, std::size_t producers, std::size_t min_insync)
    : min_insync_(min_insync), partitions_(partitions) {
  for (auto& partition : partitions_) partition.streams.resize(producers);
}

void History::fail(const std::string& what) {
  if (fault_.empty()) fault_ = what;
}

void History::sent(std::size_t partition, std::size_t producer, const BatchHeader& batch) {
  partitions_[partition].streams[producer].sent.push_back({batch.base_sequence, batch.crc});
}

// Its producer numbered it: what comes next is what must come next.
void History::commit(std::size_t partition, StoredBatch* batch) {
  auto& it = partitions_[partition];
  const auto& header = batch->header;
  auto& stream = it.streams[static_cast<std::size_t>(header.producer_id)];
  const auto sent = std::ranges::find(stream.sent, header.base_sequence, &Sent::sequence);
  const auto place = static_cast<std::size_t>(sent - stream.sent.begin());
  if (sent == stream.sent.end() || sent->crc != header.crc)
    return fail("phantom: nobody sent " + text_of(*batch));
  if (place < stream.committed) return fail("duplicate: " + text_of(*batch));
  if (place > stream.committed) return fail("reordered, or lost before it: " + text_of(*batch));
  if (disks_of(*batch) < min_insync_) return fail("committed on too few disks: " + text_of(*batch));
  sent->committed_at = it.committed.size();
  ++stream.committed;
  it.committed.push_back(batch);
}

bool History::agree(std::size_t partition, ModelLog& log, std::size_t index) {
  const auto& committed = partitions_[partition].committed;
  if (log.batches()[index] != committed[index]) {
    fail("two batches committed at one place: " + text_of(*log.batches()[index]) + " and " +
         text_of(*committed[index]));
    return false;
  }
  log.set_agreed(index + 1);
  return true;
}

void History::committed(std::size_t partition,
                        broker::ReplicaId leader,
                        Epoch epoch,
                        ModelLog& log,
                        Offset high_watermark) {
  auto& it = partitions_[partition];
  if (it.committers.try_emplace(epoch, leader).first->second != leader)
    return fail("two leaders commit in epoch " + std::to_string(epoch.value()));
  if (high_watermark > log.synced_end()) return fail("a leader commits what it has not synced");
  for (auto i = log.agreed(); i < log.batches().size(); ++i) {
    if (log.batches()[i]->header.next_offset() > high_watermark) break;
    if (i == it.committed.size()) commit(partition, log.batches()[i]);
    if (!fault_.empty() || !agree(partition, log, i)) return;
  }
}

void History::followed(std::size_t partition, ModelLog& log, Offset high_watermark) {
  const auto& it = partitions_[partition];
  for (auto i = log.agreed(); i < log.batches().size(); ++i) {
    if (log.batches()[i]->header.next_offset() > high_watermark) break;
    if (i >= it.committed.size())
      return fail("a follower takes for committed: " + text_of(*log.batches()[i]));
    if (!agree(partition, log, i)) return;
  }
}

void History::acknowledged(const Acknowledged& told) {
  const auto& it = partitions_[told.partition];
  const auto& stream = it.streams[told.producer];
  const auto sent = std::ranges::find(stream.sent, told.sequence, &Sent::sequence);
  const auto name = std::to_string(told.producer) + "." + std::to_string(told.sequence);
  if (sent == stream.sent.end()) return fail("acknowledged, never sent: " + name);
  if (sent->committed_at == SIZE_MAX) return fail("lost: acknowledged, not committed: " + name);
  const auto& batch = *it.committed[sent->committed_at];
  if (batch.header.base_offset != told.base) return fail("acknowledged elsewhere: " + name);
  if (told.replicas_synced > disks_of(batch)) {
    return fail("over-claimed: " + std::to_string(told.replicas_synced) + " replicas have synced " +
                text_of(batch) + ", said the leader; it is " + std::to_string(disks_of(batch)));
  }
  ++acknowledgements_;
}

void History::led(std::size_t partition, const ModelLog& log) {
  const auto& committed = partitions_[partition].committed;
  const auto& batches = log.batches();
  if (has_all(partition, log)) return;
  fail("lost: a leader lacks what was committed, from batch " +
       std::to_string(
           std::distance(committed.begin(), std::ranges::mismatch(committed, batches).in1)) +
       " of " + std::to_string(committed.size()) + " on");
}

void History::cuts(std::size_t partition, const ModelLog& log, Offset offset) {
  const auto first = log.index_at(offset);
  const auto& committed = partitions_[partition].committed;
  if (first < std::min(committed.size(), log.batches().size()) &&
      log.batches()[first] == committed[first])
    fail("a replica cuts back what is committed: " + text_of(*committed[first]));
}

void History::takes_back(Offset offset) {
  fail("taken back: an edge is told to cut back to " + std::to_string(offset.value()));
}

bool History::continues(const ModelLog& log, const std::vector<StoredBatch*>& batches) {
  if (batches.empty() || batches.front()->header.base_offset == log.end_offset()) return true;
  fail("a gap, or an overlap: " + text_of(*batches.front()) + " for a log that ends at " +
       std::to_string(log.end_offset().value()));
  return false;
}

void History::stored(std::size_t partition, ModelLog& log) {
  const auto& committed = partitions_[partition].committed;
  for (auto i = log.agreed(); i < log.batches().size(); ++i) {
    if (i >= committed.size())
      return fail("an edge has what is not committed: " + text_of(*log.batches()[i]));
    if (!agree(partition, log, i)) return;
  }
}

bool History::has_all(std::size_t partition, const ModelLog& log) const {
  const auto& committed = partitions_[partition].committed;
  return log.batches().size() >= committed.size() &&
         std::equal(committed.begin(), committed.end(), log.batches().begin());
}

bool History::is_whole(std::size_t partition, const ModelLog& log) const {
  return log.batches() == partitions_[partition].committed;
}

}  // namespace xylem::sim
