// A storage engine on a SimDisk, without threads: put through a script, crashed, started again,
// and held to what it promised.
//
// Every function answers what went wrong; empty: nothing.
// Threads: one.
#pragma once

#include "common/clock.h"
#include "common/loop.h"
#include "storage/mmap_engine.h"
#include "tests/sim/log_history.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/storage_script.h"

#include <memory>
#include <string>
#include <vector>

namespace xylem::sim {

enum class Death : std::uint8_t { kKill, kPowerNone, kPowerSome, kPowerAll };

class StorageRig {
 public:
  StorageRig(const Script& script, SimDisk& disk);
  ~StorageRig();
  StorageRig(const StorageRig&) = delete;
  StorageRig& operator=(const StorageRig&) = delete;

  // Ends early when the disk has crashed. Errors of the log are faults, unless it is said that they
  // may happen.
  std::string run(bool errors_may_happen = false);

  // The process is gone, and so is what `death` takes.
  void die(Death death, std::uint64_t seed);

  // After die(): opens everything and compares. A crash of the disk on the way is no fault.
  std::string start_and_check(bool errors_may_happen = false);

  // After errors: what can be read is good. What only waited for room goes on by itself.
  std::string check_serving();
  std::string resume();

  // And that it works: appends to each log, settles, loses all that is not synced, compares again.
  std::string live_on();

 private:
  struct Log {
    std::shared_ptr<storage::PartitionLog> log;
    storage::LogOptions options;
    LogHistory history;
    Epoch epoch{0};
    bool has_failed = false;
  };

  Status open_engine();
  Status open_log(int number);
  void stop();
  void round();
  void settle(Log& log);
  std::string act(const Step& step);
  Status change(const Step& step, Log& log);
  Status append(const Step& step, Log& log);
  Status append_as_is(const Step& step, Log& log);
  Status cut_or_drop(const Step& step, Log& log);
  Status retain(const Step& step, Log& log);
  Status remove(const Step& step, Log& log);
  std::string reopen();
  std::string stop_cleanly();
  std::string rot(const Step& step);
  Buffer some_batch(std::int64_t records, std::int64_t bytes);
  std::string look(Log& log, Observed& seen);
  std::string check_running(Log& log);

  const Script& script_;
  SimDisk& disk_;
  ManualClock clock_;
  std::unique_ptr<storage::MmapEngine> engine_;
  std::vector<Log> logs_;
  std::uint64_t made_ = 0;  // batches, no two alike
  bool errors_may_happen_ = false;
  bool has_rotted_ = false;
  bool written_survives_ = false;
};

}  // namespace xylem::sim
