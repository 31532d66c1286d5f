// What `xylem bench produce`, `consume` and `fanout` have measured, for machines and for people.
#pragma once

#include "cli/bench/cpu_time.h"
#include "cli/bench/load/load_run.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct ThroughputFigures {
  double records_per_s = 0;
  double bytes_per_s = 0;        // of values
  double cpu_ns_per_record = 0;  // of the broker, user and system; 0: not known
  double client_cpu_ns_per_record = 0;
  std::int64_t records = 0;
  std::int64_t misplaced = 0;
};

struct ThroughputCase {
  std::size_t record_bytes = 0;
  std::string flush;
  std::vector<ThroughputFigures> ours;
  std::vector<ThroughputFigures> other;    // as many, or none
  std::optional<double> disk_bytes_per_s;  // of the same batches, each window synced
};

struct ThroughputReport {
  std::string name;    // "produce", "consume", "fanout"
  std::string versus;  // empty: nothing
  std::int64_t seconds = 0;
  std::int64_t consumers = 1;
  std::vector<ThroughputCase> cases;
  Machine machine;
};

[[nodiscard]] std::string throughput_json(const ThroughputReport& report);
[[nodiscard]] std::string throughput_text(const ThroughputReport& report);
[[nodiscard]] bool all_in_place(const ThroughputReport& report);

}  // namespace xylem::cli
