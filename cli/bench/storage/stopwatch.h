// How long something took: by the wall, and in CPU time of this process or of this thread.
#pragma once

#include "cli/bench/storage/storage_line.h"

#include <cstdint>
#include <ctime>

namespace xylem::cli {

[[nodiscard]] inline std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

[[nodiscard]] inline std::int64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

class Stopwatch {
 public:
  enum class Cpu : std::uint8_t { kProcess, kThread };

  explicit Stopwatch(Cpu cpu = Cpu::kProcess)
      : cpu_clock_(cpu == Cpu::kProcess ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID),
        wall_ns_(now_ns()),
        cpu_ns_(clock_ns(cpu_clock_)) {}

  [[nodiscard]] double seconds() const { return static_cast<double>(now_ns() - wall_ns_) / 1e9; }

  // What has passed since this was made; the counts are the caller's.
  [[nodiscard]] StorageRun run() const {
    return {.seconds = seconds(), .cpu_ns = static_cast<double>(clock_ns(cpu_clock_) - cpu_ns_)};
  }

 private:
  clockid_t cpu_clock_;
  std::int64_t wall_ns_;
  std::int64_t cpu_ns_;
};

}  // namespace xylem::cli
