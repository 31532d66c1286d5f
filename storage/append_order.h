// What the next batch of a log must be: its offset, its epoch, and the history of epochs so far.
//
// Threads: the writer's loop, except end() and epochs(). Errors: kInvalidRequest, kCorrupt, as
// PartitionLog says.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"
#include "storage/published.h"
#include "storage/segment/batch_run.h"

#include <atomic>
#include <vector>

namespace xylem::storage {

class AppendOrder {
 public:
  // Starts from what a log already holds.
  AppendOrder(Offset end, std::vector<EpochStart> epochs);

  // Where a batch goes that gets the next offset and `epoch`.
  Result<BatchPlace> accept(Bytes batch, Epoch epoch) const;

  // Where each batch goes; CRCs, offsets and epochs are checked.
  Result<std::vector<BatchPlace>> accept_as_is(Bytes batches) const;

  // The same for batches that were lost and come back: all within `range`, their epochs between
  // those around it.
  Result<std::vector<BatchPlace>> accept_within(Bytes batches, const OffsetRange& range) const;

  // Starts anew from what recovery found.
  void restart(Offset end, std::vector<EpochStart> epochs);

  void add(const BatchPlace& place);
  void add_within(const std::vector<BatchPlace>& places);
  void cut_back(Offset end);
  void drop_before(Offset start);  // end() becomes at least `start`

  [[nodiscard]] Offset end() const noexcept { return end_.load(std::memory_order_acquire); }

  // As of a log that starts at `start`.
  [[nodiscard]] std::vector<EpochStart> epochs(Offset start) const;

 private:
  void publish(std::vector<EpochStart> epochs);

  std::atomic<Offset> end_;
  Epoch last_epoch_ = kNoEpoch;  // of epochs_, for the loop
  Published<std::vector<EpochStart>> epochs_;
};

}  // namespace xylem::storage
