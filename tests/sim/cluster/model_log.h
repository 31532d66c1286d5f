// A partition's log as a row of batches, with an exact idea of what a crash or a power cut leaves.
//
//   0 ......... synced ......... written ......... end
//               sure to stay     outlives the      goes with
//                                process           the process
//
// A batch is one object wherever it is a copy: two logs agree where they hold the same pointers.
// Threads: one.
#pragma once

#include "common/batch/batch.h"
#include "common/random.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace xylem::sim {

struct StoredBatch {
  BatchHeader header;
  Slice bytes;
  std::uint32_t synced_by = 0;  // a bit for each root broker on whose disk it ever was
};

// All batches of a world; they stay.
using BatchPool = std::deque<StoredBatch>;

class ModelLog final : public storage::PartitionLog {
 public:
  // `owner_bit`: of StoredBatch::synced_by.
  ModelLog(const LogId& id, BatchPool& pool, std::uint32_t owner_bit);

  [[nodiscard]] const std::vector<StoredBatch*>& batches() const { return batches_; }

  // The index of the first batch that starts at or above `offset`.
  [[nodiscard]] std::size_t index_at(Offset offset) const;

  // A copy of what is in another log.
  void take(StoredBatch* batch);

  // As many batches as the committer wrote, and has synced.
  std::size_t write();
  void sync(std::size_t count);

  // After a failed sync, until a start; and while there is no room.
  void fence() { is_fenced_ = true; }

  [[nodiscard]] bool is_fenced() const { return is_fenced_; }

  // The process dies; the power goes: what was not synced stays as far as chance wants, in order.
  void crash(Random& random);
  void cut_power(Random& random);
  void recover();
  void clear();

  // How many of the first batches are known to be what was committed.
  [[nodiscard]] std::size_t agreed() const { return agreed_; }

  void set_agreed(std::size_t count) { agreed_ = count; }

  [[nodiscard]] const storage::LogName& name() const override { return name_; }

  Result<Offset> append(Bytes batch, Epoch epoch) override;
  Status append_as_is(Bytes batches) override;
  Status cut_back(Offset offset) override;
  Status drop_before(Offset offset) override;

  Status retain() override { return {}; }

  void set_options(const storage::LogOptions&) override {}

  void set_listener(Listener) override {}

  [[nodiscard]] Offset start_offset() const override { return Offset(0); }

  [[nodiscard]] Offset end_offset() const override { return end_of(batches_.size()); }

  [[nodiscard]] Offset written_end() const override { return end_of(written_); }

  [[nodiscard]] Offset synced_end() const override { return end_of(synced_); }

  [[nodiscard]] Offset durable_end() const override { return synced_end(); }

  [[nodiscard]] std::int64_t bytes() const override { return 0; }

  [[nodiscard]] Status health() const override;
  Result<storage::ReadResult> read(Offset from, std::size_t bytes_max, Offset below) const override;

  Result<Offset> offset_for_time(std::int64_t) const override { return written_end(); }

  Result<std::optional<storage::LastBatch>> last_batch_below(Offset offset) const override;

  [[nodiscard]] std::vector<storage::EpochStart> epochs() const override { return epochs_; }

  [[nodiscard]] std::vector<storage::SegmentInfo> segments() const override { return {}; }

  Status close() override { return {}; }

 private:
  [[nodiscard]] Offset end_of(std::size_t count) const;
  void cut_to(std::size_t count);

  storage::LogName name_;
  BatchPool& pool_;
  std::uint32_t owner_bit_;
  std::vector<StoredBatch*> batches_;
  std::vector<storage::EpochStart> epochs_;
  std::size_t written_ = 0;
  std::size_t synced_ = 0;
  std::size_t agreed_ = 0;
  bool is_fenced_ = false;
};

}  // namespace xylem::sim
