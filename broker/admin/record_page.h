// A page of records as JSON: {"records":[...],"next":n,"start":n,"highWatermark":n}, where `next`
// is the next offset to ask for. The records are record_json.h's.
//
// It ends at a limit, at the high watermark, or before what the disk would have to bring in.
//
// Threads: the loop's.
#pragma once

#include "broker/admin/record_start.h"
#include "broker/partitions/partition.h"
#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::broker {

class RecordPage {
 public:
  struct Limits {
    std::int64_t records = 0;
    std::size_t bytes = 0;  // of the records' JSON; one record may be longer
  };

  enum class Filled : std::uint8_t {
    kDone,
    kEmpty,  // nothing is there yet
    kDisk,   // nothing is in memory yet: try again when the partition has moved
  };

  RecordPage(const Partition& partition, const RecordStart& start, const Limits& limits)
      : log_(partition.id()), topic_(partition.topic()), start_(start), left_(limits) {}

  [[nodiscard]] const LogId& log() const { return log_; }

  [[nodiscard]] const std::string& topic() const { return topic_; }

  void limit_bytes(std::size_t bytes_max) { left_.bytes = std::min(left_.bytes, bytes_max); }

  // May be called until it is kDone. Errors: as first_offset() and PartitionLog::read().
  Result<Filled> fill(const Partition& partition);

  [[nodiscard]] std::string json(const Partition& partition) const;

 private:
  bool take(const BatchHeader& header, const RecordView& record);

  LogId log_;
  std::string topic_;
  RecordStart start_;  // an offset from the first fill() on
  Limits left_;
  std::string records_;
};

}  // namespace xylem::broker
