// What a storage engine is put through: steps as data, so that a run can be made again up to any
// call.
#pragma once

#include "storage/partition_log.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::sim {

enum class Act : std::uint8_t {
  kAppend,      // a batch: a records of b bytes
  kAppendAsIs,  // a batch whose base lies a above the end, of b bytes
  kEpoch,       // later appends have an epoch more
  kRound,       // the committer's turn
  kSettle,      // until all is durable under the log's policy
  kWait,        // a milliseconds pass
  kCutBack,     // to a below the end
  kDropBefore,  // a above the start
  kDropPast,    // a above the end
  kRetain,      // keep a bytes
  kFlush,       // from now on the policy a
  kRead,        // everything, and compare
  kReopen,      // a clean stop and a start
  kRemove,      // the log and all it holds; it begins again empty
  kRot,         // between two starts a bit of segment a changes, at byte b
};

struct Step {
  Act act;
  std::int64_t a = 0;
  std::int64_t b = 0;
  int log = 0;
};

struct Script {
  std::string name;
  storage::LogOptions options;
  int logs = 1;
  std::vector<Step> steps;
};

// One for every thing a log can do, and combinations that have been trouble elsewhere.
std::vector<Script> scripted_workloads();

// `steps` random ones.
Script random_workload(std::uint64_t seed, int steps);

}  // namespace xylem::sim
