#include "cli/commands/bench.h"

#include "cli/bench/bench_topic.h"
#include "cli/bench/latency_report.h"
#include "cli/bench/null_relay.h"
#include "cli/bench/tree_endpoints.h"
#include "cli/output.h"

#include <utility>

namespace xylem::cli {
namespace {

using MakeRoute = std::function<std::unique_ptr<Route>(ClientRuntime&)>;

Result<LatencyFigures> measure(const LatencyLoad& load,
                               const std::vector<pid_t>& pids,
                               const MakeRoute& make_route) {
  ClientRuntime runtime;
  auto route = make_route(runtime);
  std::int64_t before_ns = 0;
  auto run = run_latency(runtime, std::move(route), load, [&] { before_ns = cpu_time_ns(pids); });
  if (!run) return pass(run);
  return figures_of(*run, cpu_time_ns(pids) - before_ns);
}

Status measure_pairs(const BenchLatencyOptions& options,
                     const TreeEndpoints& tree,
                     const NullRelay* null_relay,
                     LatencyReport& report) {
  for (std::int64_t pair = 0; pair < options.pairs; ++pair) {
    auto ours = measure(options.load, tree.brokers, [&](ClientRuntime& runtime) {
      return make_broker_route(runtime, options.route);
    });
    if (!ours) return pass(ours, "brokers");
    report.ours.push_back(*ours);
    if (null_relay == nullptr) continue;
    auto limit = measure(options.load, null_relay->pids(), [&](ClientRuntime& runtime) {
      return make_null_route(runtime, null_relay->produce_port(), null_relay->consume_port());
    });
    if (!limit) return pass(limit, "null relay");
    report.limits.front().runs.push_back(*limit);
  }
  return {};
}

ExitCode measure_and_tell(const BenchLatencyOptions& options, const TreeEndpoints& tree) {
  std::unique_ptr<NullRelay> null_relay;
  if (options.vs_null) {
    auto started = NullRelay::start(options.null_program, options.null_directory);
    if (!started) return report(started.error());
    null_relay = std::move(*started);
  }
  LatencyReport latency{.name = "latency", .load = options.load, .machine = this_machine()};
  if (null_relay) latency.limits.push_back({.name = "null"});
  if (auto measured = measure_pairs(options, tree, null_relay.get(), latency); !measured)
    return report(measured.error());
  const auto told = finish_with(options.json ? latency_json(latency) : latency_text(latency));
  for (const auto& run : latency.ours) {
    if (run.misplaced > 0) return ExitCode::kFailed;
  }
  return told;
}

ExitCode run_with_topic(const BenchLatencyOptions& options, const TreeEndpoints& tree) {
  auto topic = BenchTopic::make(options.route.topic, options.route.produce_to);
  if (!topic) return report(topic.error());
  const auto told = measure_and_tell(options, tree);
  const auto cleaned = topic->clean_up();
  return cleaned || told != ExitCode::kOk ? told : report(cleaned.error());
}

}  // namespace

ExitCode run_bench_latency(const BenchLatencyOptions& options) {
  if (options.tree_directory.empty()) return run_with_topic(options, {});
  auto tree = read_tree_endpoints(options.tree_directory);
  if (!tree) return report(tree.error());
  auto found = options;
  found.route.produce_to = tree->roots;
  found.route.consume_from = {tree->leaves.front()};
  return run_with_topic(found, *tree);
}

}  // namespace xylem::cli
