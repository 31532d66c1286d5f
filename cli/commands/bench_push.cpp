#include "cli/commands/bench_push.h"

#include "cli/bench/latency_report.h"
#include "cli/bench/load/measured_broker.h"
#include "cli/bench/load/probe_wire.h"
#include "cli/bench/load/push_run.h"
#include "cli/output.h"
#include "common/random.h"

#include <memory>
#include <utility>

namespace xylem::cli {
namespace {

using Kind = MeasuredBroker::Kind;

Kind kind_of(const std::string& name) { return name == "nats" ? Kind::kNats : Kind::kNull; }

Result<LatencyFigures> measure(const BenchPushOptions& options, Kind kind, Random& random) {
  const auto broker = MeasuredBroker::start({.kind = kind,
                                             .programs = options.programs,
                                             .directory = options.directory,
                                             .syncs = options.flush == "always"});
  if (!broker) return std::unexpected(broker.error());
  const auto address = (*broker)->address();
  const auto wire = kind == Kind::kNats ? make_nats_probe_wire(address)
                                        : make_native_probe_wire(address, options.flush);
  if (auto opened = wire->open(); !opened) return pass(opened);
  const std::vector<pid_t> pids{(*broker)->pid()};
  const SystemClock clock;
  std::int64_t before_ns = 0;
  auto run = run_push(*wire, options.load, clock, random, [&] { before_ns = cpu_time_ns(pids); });
  if (!run) return pass(run);
  return figures_of(*run, cpu_time_ns(pids) - before_ns);
}

Status measure_all(const BenchPushOptions& options, LatencyReport& report) {
  Random random(system_seed());
  for (std::int64_t pair = 0; pair < options.pairs; ++pair) {
    auto ours = measure(options, Kind::kXylem, random);
    if (!ours) return pass(ours, "xylem-broker");
    report.ours.push_back(*ours);
    for (auto& limit : report.limits) {
      auto other = measure(options, kind_of(limit.name), random);
      if (!other) return pass(other, limit.name);
      limit.runs.push_back(*other);
    }
  }
  return {};
}

}  // namespace

ExitCode run_bench_push(const BenchPushOptions& options) {
  LatencyReport push{
      .name = "push", .flush = options.flush, .load = options.load, .machine = this_machine()};
  for (const auto& name : options.versus) push.limits.push_back({.name = name});
  if (auto measured = measure_all(options, push); !measured) return report(measured.error());
  const auto told = finish_with(options.json ? latency_json(push) : latency_text(push));
  for (const auto& run : push.ours) {
    if (run.misplaced > 0) return ExitCode::kFailed;
  }
  return told;
}

}  // namespace xylem::cli
