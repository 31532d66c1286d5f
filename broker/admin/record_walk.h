// The records of one partition from a cursor up to the high watermark, for who makes text of them
// on the loop: it does not wait for the disk.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition.h"
#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace xylem::broker {

class RecordWalk {
 public:
  static constexpr std::size_t kReadBytes = 256ULL * 1024;  // at a time, of batches

  enum class Stop : std::uint8_t {
    kEnd,   // nothing is left below the high watermark
    kDisk,  // what is next is being brought in: go on when the partition has moved
    kFull,  // `take` did not want the next one
  };

  // False: it does not take this one, nor what follows.
  using Take = std::function<bool(const BatchHeader&, const RecordView&)>;

  explicit RecordWalk(Offset from) : next_(from) {}

  // Behind what was taken, and behind the holes after that.
  [[nodiscard]] Offset next() const { return next_; }

  // Errors: as PartitionLog::read. What was taken before stays so.
  Result<Stop> run(const Partition& partition, const Take& take);

 private:
  Result<bool> walk(Bytes batches, const Take& take);
  Result<bool> walk_batch(const BatchHeader& header, Bytes batch, const Take& take);

  Offset next_;
};

}  // namespace xylem::broker
