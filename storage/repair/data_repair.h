// Checks a whole data directory, and mends what can be mended while no process runs on it.
//
// Never touches a good batch: a damaged segment is set aside as it is, and its good batches are
// copied; a torn tail is cut as a start would cut it; indexes, the bound and meta.db are made again
// from the segments. state.db is only looked at: nothing holds what was in it. A second run finds
// nothing to do.
// Threads: any. Errors: kIo, kDiskFull, kNotFound; kAlreadyExists: a process runs on the directory.
#pragma once

#include "common/result.h"
#include "storage/inspect/log_check.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::storage {

struct DataCheck {
  std::uint64_t logs = 0;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::int64_t bytes = 0;
  std::vector<DataFault> faults;  // notes too

  [[nodiscard]] bool is_good() const;
};

// `topic`: only logs of that name; empty: all, and the databases.
Result<DataCheck> check_data(Disk& disk,
                             const std::string& data_dir,
                             std::string_view topic,
                             const CheckProgress& progress = {});

struct DataRepair {
  DataCheck found;
  std::vector<std::string> done;  // one line each: what was done, what is lost, how it comes back
  DataCheck left;                 // what is still to be said afterwards
};

Result<DataRepair> repair_data(Disk& disk,
                               const std::string& data_dir,
                               std::string_view topic,
                               const CheckProgress& progress = {});

}  // namespace xylem::storage
