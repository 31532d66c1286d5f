// One leadership of one partition of `__group_offsets`: what the log held when it began, and all
// that is committed since.
//
// Until what earlier leaders committed is known nobody is answered.
//
// Owned by shared_ptr: an append that is under way keeps it.
// Threads: the loop's.
#pragma once

#include "broker/groups/offset_table.h"
#include "broker/partitions/led_log.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/result.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace xylem::broker {

class OffsetsLog : public std::enable_shared_from_this<OffsetsLog> {
 public:
  // Offsets of one partition: a broker may lead all kGroupOffsetsPartitions, and mostly leads some.
  static constexpr std::size_t kRowsMax = 200'000;

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    PartitionTable& partitions;
  };

  // `partition` is led by this broker.
  OffsetsLog(const Context& context, const Partition& partition);

  // That this leadership goes on.
  [[nodiscard]] bool is_current() const { return log_.leading() != nullptr; }

  // It does, and all from before is known.
  [[nodiscard]] bool is_ready() const { return log_.is_read() && is_current(); }

  // Reads what may be read now.
  void read_on() { log_.read_on(); }

  // Only while is_ready().
  [[nodiscard]] OffsetTable& table() { return table_; }

 private:
  void say_ready();
  void write(const OffsetTable::Changes& changes, std::function<void(Status)> done);

  Context context_;
  OffsetTable table_;
  LedLog log_;
};

}  // namespace xylem::broker
