// Keeps what a partition knows of its producers in step with its log.
//
// A new leader that did not see the log grow walks the headers of its newest part before it judges
// the first numbered batch: what was sent shortly before the change, and may be sent again, is
// there. Partitions that get no such batch are never walked.
//
// Limits: about kWalkedBytes of log; who sent nothing since begins a new life.
// Threads: the loop's.
#pragma once

#include "broker/partitions/producer_states.h"
#include "common/batch/batch.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <optional>

namespace xylem::broker {

class ProducerCheck {
 public:
  static constexpr std::size_t kWalkedBytes = 8ULL * 1024 * 1024;

  explicit ProducerCheck(storage::PartitionLog& log);

  // A leadership begins: all that is in the log now was there before it.
  void begin();

  // Before an append: as ProducerStates::check. kUnavailable: the log must be read first, and is
  // not in memory or not yet written: again later. Also what reading says.
  Result<std::optional<ProducerStates::Offsets>> check(const BatchHeader& batch);

  // After the append of what was checked.
  void appended(BatchHeader batch, Offset base);

  // Whole batches that another leader appended are in the log now.
  void follow(Bytes batches);

  // What starts at or above `end` is not in the log any more.
  void cut_back(Offset end);

  // The log holds what was not followed.
  void forget();

 private:
  void add(Bytes batches);
  [[nodiscard]] Offset first_to_walk() const;
  Status walk();

  storage::PartitionLog& log_;
  ProducerStates states_;
  bool is_known_;  // states_ is what the log says
  Offset end_;     // of what is to be walked; what is above is added as it comes
  std::optional<Offset> next_;
  std::size_t walked_bytes_ = 0;
};

}  // namespace xylem::broker
