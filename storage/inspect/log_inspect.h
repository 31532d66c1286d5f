// Looks into the logs of a data directory from outside: every batch checked, and one digest per
// log that is the same on every node that holds the same batches, whatever its segments' sizes.
//
//   SHA-256 over, per batch: base offset i64 | last offset i64 | epoch i32 | CRC u32, big-endian
//
// Only reads, takes no lock: also beside a running broker, where a batch that is just being written
// at the end of a log is no fault.
// Threads: any. Errors: kIo, kNotFound (no such directory); what is wrong inside is in the answer.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::storage {

class Disk;

struct LogFault {
  std::string file;
  std::int64_t position = 0;
  std::string what;
};

struct LogDigest {
  LogName name;
  Offset first;  // of the first batch; the log's start when there is none
  Offset end;    // after the last one
  std::uint64_t batches = 0;
  std::string sha256;  // 64 hexadecimal digits
};

struct LogInspection {
  std::vector<LogDigest> logs;  // by topic name, topic id, generation, partition
  std::vector<LogFault> faults;
};

// `topic`: only logs of that name; empty: all.
Result<LogInspection> inspect_logs(Disk& disk,
                                   const std::string& data_dir,
                                   std::string_view topic = {});

}  // namespace xylem::storage
