// What processes of this machine, and the machine itself, have spent and are.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace xylem::cli {

// User and system time of them all so far, in nanoseconds; one that is gone counts nothing.
[[nodiscard]] std::int64_t cpu_time_ns(const std::vector<pid_t>& pids);

struct Machine {
  std::string system;  // "Linux 6.1.0 x86_64"
  std::string cpu;     // its model name
  std::int64_t cpus = 0;
  double load = 0;  // average of the last minute
};

[[nodiscard]] Machine this_machine();

}  // namespace xylem::cli
