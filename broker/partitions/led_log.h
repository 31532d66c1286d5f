// One leadership of one partition of an internal topic: what its log held when it began is read
// back before anything else is done with it.
//
// That is known once the high watermark has reached the log's end as it was at the start. It is
// read a part at a time, for a log that was not compacted for long is large.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition_table.h"
#include "common/batch/record.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/result.h"
#include "common/timer.h"

#include <cstddef>
#include <functional>
#include <string>

namespace xylem::broker {

class LedLog {
 public:
  static constexpr std::size_t kReadBytes = 256ULL * 1024;

  struct Context {
    Loop& loop;
    Logger& logger;
    PartitionTable& partitions;
  };

  struct Hooks {
    std::function<void(const RecordView&)> take;
    std::function<void()> ready;  // once, when all was taken
    std::string unreadable;       // the line in the log that says the log cannot be read
  };

  // `partition` is led by this broker.
  LedLog(const Context& context, const Partition& partition, Hooks hooks);

  // The partition, while this leadership goes on.
  [[nodiscard]] Partition* leading() const;

  [[nodiscard]] bool is_read() const { return is_read_; }

  // Reads what may be read now.
  void read_on();

  // As if the leadership had ended.
  void close() { is_closed_ = true; }

  [[nodiscard]] const LogId& id() const { return id_; }

  [[nodiscard]] Epoch epoch() const { return epoch_; }

 private:
  [[nodiscard]] Result<bool> read_part(Partition& partition);

  Context context_;
  Hooks hooks_;
  LogId id_;
  Epoch epoch_;
  Offset cursor_;
  Offset until_;  // the log's end when the leadership began
  bool is_read_ = false;
  bool is_closed_ = false;
  Timer next_part_;
};

}  // namespace xylem::broker
