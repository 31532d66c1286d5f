// What `xylem bench latency` and `push` have measured, for machines and for people.
#pragma once

#include "cli/bench/cpu_time.h"
#include "cli/bench/latency_run.h"

#include <string>
#include <vector>

namespace xylem::cli {

struct LatencyFigures {
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double max_ms = 0;
  double records_per_s = 0;
  double cpu_ns_per_record = 0;  // of the brokers or the hops; 0: not known
  std::int64_t records = 0;
  std::int64_t misplaced = 0;
};

[[nodiscard]] LatencyFigures figures_of(const LatencyRun& run, std::int64_t cpu_ns);

// What ours is compared with: as many runs.
struct LatencyLimit {
  std::string name;  // "null", "nats"
  std::vector<LatencyFigures> runs;
};

struct LatencyReport {
  std::string name;   // "latency", "push"
  std::string flush;  // of the topic; empty: not ours to say
  LatencyLoad load;
  std::vector<LatencyFigures> ours;
  std::vector<LatencyLimit> limits;  // the first is the one that targets are about
  Machine machine;
};

[[nodiscard]] std::string latency_json(const LatencyReport& report);
[[nodiscard]] std::string latency_text(const LatencyReport& report);

}  // namespace xylem::cli
