#include "tests/sim/cluster/model_log.h"

#include "common/check.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace xylem::sim {

ModelLog::ModelLog(const LogId& id, BatchPool& pool, std::uint32_t owner_bit)
    : name_{.topic = "prices", .id = id}, pool_(pool), owner_bit_(owner_bit) {}

Offset ModelLog::end_of(std::size_t count) const {
  return count == 0 ? Offset(0) : batches_[count - 1]->header.next_offset();
}

std::size_t ModelLog::index_at(Offset offset) const {
  const auto found = std::ranges::lower_bound(
      batches_, offset, {}, [](const StoredBatch* batch) { return batch->header.base_offset; });
  return static_cast<std::size_t>(found - batches_.begin());
}

void ModelLog::take(StoredBatch* batch) {
  XYLEM_CHECK(batch->header.base_offset == end_offset());
  if (epochs_.empty() || epochs_.back().epoch < batch->header.epoch)
    epochs_.push_back({batch->header.epoch, batch->header.base_offset});
  batches_.push_back(batch);
}

std::size_t ModelLog::write() {
  written_ = batches_.size();
  return written_;
}

void ModelLog::sync(std::size_t count) {
  for (; synced_ < std::min(count, written_); ++synced_) batches_[synced_]->synced_by |= owner_bit_;
}

void ModelLog::crash(Random& random) {
  if (is_fenced_) return cut_power(random);  // of what no sync made sure the system is not sure
  cut_to(written_);
}

void ModelLog::cut_power(Random& random) { cut_to(synced_ + random.below(written_ - synced_ + 1)); }

void ModelLog::recover() {
  is_fenced_ = false;
  sync(write());
}

void ModelLog::clear() { cut_to(0); }

void ModelLog::cut_to(std::size_t count) {
  batches_.resize(std::min(count, batches_.size()));
  while (!epochs_.empty() && epochs_.back().start >= end_offset()) epochs_.pop_back();
  written_ = std::min(written_, count);
  synced_ = std::min(synced_, count);
  agreed_ = std::min(agreed_, count);
}

Status ModelLog::health() const {
  if (is_fenced_) return fail(Errc::kIo, "a sync failed");
  return {};
}

Result<Offset> ModelLog::append(Bytes batch, Epoch epoch) {
  if (is_fenced_) return std::unexpected(health().error());
  const auto base = end_offset();
  Buffer copy(batch.begin(), batch.end());
  assign(copy, base, epoch);
  auto header = read_batch_header(copy);
  if (!header) return pass(header);
  pool_.push_back({*header, Slice::own(std::move(copy))});
  take(&pool_.back());
  return base;
}

Status ModelLog::append_as_is(Bytes) { return fail(Errc::kInvalidRequest, "take() copies here"); }

Status ModelLog::drop_before(Offset) {
  return fail(Errc::kInvalidRequest, "there is no retention");
}

Status ModelLog::cut_back(Offset offset) {
  cut_to(index_at(offset));
  return {};
}

Result<storage::ReadResult> ModelLog::read(Offset from, std::size_t bytes_max, Offset below) const {
  if (from > written_end()) return fail(Errc::kOffsetOutOfRange, "above the end");
  storage::ReadResult result{.slices = {}, .bytes = 0, .next = from};
  for (std::size_t i = 0; i < written_; ++i) {
    const auto& batch = *batches_[i];
    if (batch.header.next_offset() <= from) continue;
    if (batch.header.next_offset() > below) break;
    if (result.bytes > 0 && result.bytes + batch.bytes.bytes.size() > bytes_max) break;
    result.slices.push_back(batch.bytes);
    result.bytes += batch.bytes.bytes.size();
    result.next = batch.header.next_offset();
  }
  return result;
}

Result<std::optional<storage::LastBatch>> ModelLog::last_batch_below(Offset offset) const {
  const auto after = std::ranges::upper_bound(
      batches_, offset, {}, [](const StoredBatch* batch) { return batch->header.next_offset(); });
  if (after == batches_.begin()) return std::nullopt;
  const auto& last = (*std::prev(after))->header;
  return storage::LastBatch{.base_offset = last.base_offset,
                            .next_offset = last.next_offset(),
                            .epoch = last.epoch,
                            .crc = last.crc};
}

}  // namespace xylem::sim
