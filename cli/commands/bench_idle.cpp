#include "cli/commands/bench_idle.h"

#include "cli/bench/cpu_time.h"
#include "cli/output.h"
#include "common/process.h"
#include "common/random.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace xylem::cli {
namespace {

constexpr std::size_t kRecordBytes = 1'024;  // of a value
constexpr double kKib = 1'024;

Result<IdleFigures> measure(const BenchIdleOptions& options) {
  raise_descriptor_limit();
  Random random(system_seed());
  const auto batches = LoadBatches::make(kRecordBytes, random);
  if (!batches) return std::unexpected(batches.error());
  const auto broker =
      MeasuredBroker::start({.programs = options.programs, .directory = options.directory});
  if (!broker) return std::unexpected(broker.error());
  return run_idle(**broker, *batches, options.load, SystemClock());
}

std::string idle_json(const BenchIdleOptions& options, const IdleFigures& figures) {
  const auto machine = this_machine();
  const nlohmann::json json{
      {"name", "idle"},
      {"params",
       {{"consumers", options.load.consumers}, {"stalled_bytes", options.load.stalled_bytes}}},
      {"results",
       {{"bytes_per_consumer", figures.bytes_per_consumer},
        {"stalled_growth_bytes", figures.stalled_growth_bytes},
        {"records_per_s_alone", figures.rate_alone},
        {"records_per_s_stalled", figures.rate_stalled},
        {"misplaced", figures.misplaced}}},
      {"machine",
       {{"system", machine.system},
        {"cpu", machine.cpu},
        {"cpus", machine.cpus},
        {"load", machine.load}}}};
  return json.dump() + "\n";
}

std::string idle_text(const BenchIdleOptions& options, const IdleFigures& figures) {
  const auto whole = [](double value) { return std::to_string(std::llround(value)); };
  Table table({"WHAT", "FIGURE"});
  table.add({"idle consumers", std::to_string(options.load.consumers)});
  table.add({"KiB of the broker's memory for each", whole(figures.bytes_per_consumer / kKib)});
  table.add({"KiB more while one does not read", whole(figures.stalled_growth_bytes / kKib)});
  table.add({"records/s to one that reads, alone", whole(figures.rate_alone)});
  table.add({"beside the one that does not", whole(figures.rate_stalled)});
  return table.text();
}

}  // namespace

ExitCode run_bench_idle(const BenchIdleOptions& options) {
  const auto figures = measure(options);
  if (!figures) return report(figures.error());
  const auto told =
      finish_with(options.json ? idle_json(options, *figures) : idle_text(options, *figures));
  return figures->misplaced == 0 ? told : ExitCode::kFailed;
}

}  // namespace xylem::cli
