#include "cli/commands/bench_storage.h"

#include "cli/bench/storage/scratch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_report.h"
#include "cli/output.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace xylem::cli {
namespace {

struct Part {
  std::string_view name;
  StorageLines (*measure)(const StorageBench& bench);
};

constexpr std::array kParts = {Part{"append", measure_append}, Part{"commit", measure_commit},
                               Part{"read", measure_read}, Part{"lookup", measure_lookup},
                               Part{"recovery", measure_recovery}};

ExitCode measure_and_tell(const BenchStorageOptions& options, const std::string& directory) {
  StorageReport found{.load = options.load, .machine = this_machine()};
  const StorageBench bench{options.load, directory};
  for (const auto& part : kParts) {
    if (!options.only.empty() && std::ranges::find(options.only, part.name) == options.only.end())
      continue;
    auto lines = part.measure(bench);
    if (!lines) return report(lines.error());
    std::ranges::move(*lines, std::back_inserter(found.lines));
  }
  return finish_with(options.json ? storage_json(found) : storage_text(found));
}

}  // namespace

std::vector<std::string> storage_parts() {
  std::vector<std::string> names;
  for (const auto& part : kParts) names.emplace_back(part.name);
  return names;
}

ExitCode run_bench_storage(const BenchStorageOptions& options) {
  return run_in_scratch(options.directory, [&](const std::string& directory) {
    return measure_and_tell(options, directory);
  });
}

}  // namespace xylem::cli
