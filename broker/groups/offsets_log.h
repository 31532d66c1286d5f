// One leadership of one partition of `__group_offsets`: what the log held when it began, and all
// that is committed since.
//
// What earlier leaders committed is known once the high watermark has reached the log's end as it
// was at the start: up to then nobody is answered. It is read a part at a time, for a log that was
// not compacted for long is large.
//
// Owned by shared_ptr: an append that is under way keeps it.
// Threads: the loop's.
#pragma once

#include "broker/groups/offset_table.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/result.h"
#include "common/timer.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace xylem::broker {

class OffsetsLog : public std::enable_shared_from_this<OffsetsLog> {
 public:
  static constexpr std::size_t kReadBytes = 256ULL * 1024;

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    PartitionTable& partitions;
  };

  // `partition` is led by this broker.
  OffsetsLog(const Context& context, const Partition& partition);

  // That this leadership goes on.
  [[nodiscard]] bool is_current() const;

  // It does, and all from before is known.
  [[nodiscard]] bool is_ready() const { return is_read_ && is_current(); }

  // Reads what may be read now.
  void read_on();

  // Only while is_ready().
  [[nodiscard]] OffsetTable& table() { return table_; }

 private:
  [[nodiscard]] Partition* leading() const;
  [[nodiscard]] Result<bool> read_part(Partition& partition);
  void write(const OffsetTable::Changes& changes, std::function<void(Status)> done);

  Context context_;
  LogId id_;
  Epoch epoch_;
  Offset cursor_;
  Offset until_;  // the log's end when the leadership began
  bool is_read_ = false;
  OffsetTable table_;
  Timer next_part_;
};

}  // namespace xylem::broker
