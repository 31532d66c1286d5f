#include "cli/bench/storage/storage_line.h"

namespace xylem::cli {

double figure_of(const StorageRun& run, Compare compare) {
  if (compare == Compare::kP99) return run.p99_us;
  if (compare == Compare::kSeconds) return run.seconds;
  const auto work = compare == Compare::kRecordsPerSecond ? run.records : run.bytes;
  return run.seconds > 0 ? static_cast<double>(work) / run.seconds : 0;
}

Status measure_line(std::int64_t pairs, const StorageRivals& rivals, StorageLine& line) {
  for (const auto& [name, measure] : rivals.limits) line.limits.push_back({name, {}});
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    auto ours = rivals.ours();
    if (!ours) return pass(ours, line.name);
    line.ours.push_back(*ours);
    for (std::size_t i = 0; i < rivals.limits.size(); ++i) {
      auto limit = rivals.limits[i].second();
      if (!limit) return pass(limit, "the limit of " + rivals.limits[i].first);
      line.limits[i].runs.push_back(*limit);
    }
  }
  return {};
}

}  // namespace xylem::cli
