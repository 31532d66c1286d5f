#include "cli/bench/cpu_time.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sys/utsname.h>
#include <unistd.h>

namespace xylem::cli {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

std::int64_t cpu_time_ns(const std::vector<pid_t>& pids) {
  std::int64_t total = 0;
  for (const auto pid : pids) {
    clockid_t clock{};
    timespec spent{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) continue;
    total += std::int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
  }
  return total;
}

Machine this_machine() {
  Machine machine;
  utsname system{};
  if (uname(&system) == 0) {
    machine.system = std::string(system.sysname) + " " + system.release + " " + system.machine;
  }
  machine.cpu = cpu_model();
  machine.cpus = sysconf(_SC_NPROCESSORS_ONLN);
  if (getloadavg(&machine.load, 1) != 1) machine.load = 0;
  return machine;
}

}  // namespace xylem::cli
