#include "cli/commands/bench_fanout.h"

#include "cli/bench/load/fanout_run.h"
#include "cli/bench/load/measured_broker.h"
#include "cli/bench/load/throughput_report.h"
#include "cli/output.h"
#include "common/random.h"

#include <algorithm>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Kind = MeasuredBroker::Kind;

Result<ThroughputFigures> measure(const BenchFanoutOptions& options,
                                  const LoadBatches& batches,
                                  Kind kind) {
  const auto broker = MeasuredBroker::start({.kind = kind,
                                             .programs = options.programs,
                                             .directory = options.directory,
                                             .syncs = options.flush == "always"});
  if (!broker) return std::unexpected(broker.error());
  const auto in_flight = std::max<std::size_t>(options.window_bytes / batches.at(0).size(), 1);
  const FanoutLoad load{.consumers = options.consumers,
                        .seconds = static_cast<double>(options.seconds),
                        .units_in_flight = static_cast<std::int64_t>(in_flight)};
  const std::vector<pid_t> pids{(*broker)->pid()};
  const auto before_ns = cpu_time_ns(pids);
  const auto own_before_ns = cpu_time_ns({getpid()});
  const auto run =
      run_fanout((*broker)->address(), {.name = "bench-fanout", .flush = options.flush}, batches,
                 load, SystemClock());
  if (!run) return std::unexpected(run.error());
  const auto records = static_cast<double>(std::max<std::int64_t>(run->records, 1));
  const auto rate = static_cast<double>(run->records) / run->elapsed_s;
  return ThroughputFigures{
      .records_per_s = rate,
      .bytes_per_s = rate * static_cast<double>(options.record_bytes),
      .cpu_ns_per_record = static_cast<double>(cpu_time_ns(pids) - before_ns) / records,
      .client_cpu_ns_per_record =
          static_cast<double>(cpu_time_ns({getpid()}) - own_before_ns) / records,
      .records = run->records,
      .misplaced = run->misplaced};
}

Result<ThroughputCase> measure_all(const BenchFanoutOptions& options) {
  Random random(system_seed());
  const auto batches = LoadBatches::make(options.record_bytes, random);
  if (!batches) return std::unexpected(batches.error());
  ThroughputCase measured{.record_bytes = options.record_bytes, .flush = options.flush};
  for (std::int64_t pair = 0; pair < options.pairs; ++pair) {
    auto ours = measure(options, *batches, Kind::kXylem);
    if (!ours) return pass(ours, "xylem-broker");
    measured.ours.push_back(*ours);
    if (!options.vs_null) continue;
    auto other = measure(options, *batches, Kind::kNull);
    if (!other) return pass(other, "null");
    measured.other.push_back(*other);
  }
  return measured;
}

}  // namespace

ExitCode run_bench_fanout(const BenchFanoutOptions& options) {
  auto measured = measure_all(options);
  if (!measured) return report(measured.error());
  ThroughputReport fanout{.name = "fanout",
                          .versus = options.vs_null ? "null" : "",
                          .seconds = options.seconds,
                          .consumers = options.consumers,
                          .machine = this_machine()};
  fanout.cases.push_back(std::move(*measured));
  const auto told = finish_with(options.json ? throughput_json(fanout) : throughput_text(fanout));
  return all_in_place(fanout) ? told : ExitCode::kFailed;
}

}  // namespace xylem::cli
