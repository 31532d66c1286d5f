#include "cli/options/options.h"
#include "cli/output.h"
#include "cli/up/child_process.h"
#include "common/config.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using xylem::cli::ExitCode;

struct Run {
  ExitCode operator()(const xylem::cli::UpOptions& o) const { return run_up(o); }

  ExitCode operator()(const xylem::cli::ConsoleOptions& o) const { return run_console(o); }

  ExitCode operator()(const xylem::cli::RootInitOptions& o) const { return run_root_init(o); }

  ExitCode operator()(const xylem::cli::RootStatusOptions& o) const { return run_root_status(o); }

  ExitCode operator()(const xylem::cli::RootElectOptions& o) const { return run_root_elect(o); }

  ExitCode operator()(const xylem::cli::RebalanceOptions& o) const { return run_rebalance(o); }

  ExitCode operator()(const xylem::cli::TopicOptions& o) const { return run_topic(o); }

  ExitCode operator()(const xylem::cli::GroupsOptions& o) const { return run_groups(o); }

  ExitCode operator()(const xylem::cli::ProduceOptions& o) const { return run_produce(o); }

  ExitCode operator()(const xylem::cli::ConsumeOptions& o) const { return run_consume(o); }

  ExitCode operator()(const xylem::cli::TreeOptions& o) const { return run_tree(o); }

  ExitCode operator()(const xylem::cli::NodeOptions& o) const { return run_node(o); }

  ExitCode operator()(const xylem::cli::LogOptions& o) const { return run_log(o); }

  ExitCode operator()(const xylem::cli::RefreshOptions& o) const { return run_refresh(o); }

  ExitCode operator()(const xylem::cli::BenchLatencyOptions& o) const {
    return run_bench_latency(o);
  }

  ExitCode operator()(const xylem::cli::BenchThroughputOptions& o) const {
    return run_bench_throughput(o);
  }

  ExitCode operator()(const xylem::cli::BenchStorageOptions& o) const {
    return run_bench_storage(o);
  }

  ExitCode operator()(const xylem::cli::BenchPushOptions& o) const { return run_bench_push(o); }

  ExitCode operator()(const xylem::cli::BenchFanoutOptions& o) const { return run_bench_fanout(o); }

  ExitCode operator()(const xylem::cli::BenchIdleOptions& o) const { return run_bench_idle(o); }
};

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == xylem::cli::kExecChild)
    return xylem::cli::exec_child({arguments.begin() + 1, arguments.end()});
  const auto command = xylem::cli::parse_command(arguments, xylem::process_environment());
  if (!command && command.error().code() == xylem::Errc::kCancelled) {
    std::fputs(command.error().what().c_str(), stdout);
    return 0;
  }
  if (!command) {
    xylem::cli::report(command.error());
    return static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(std::visit(Run(), *command));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {  // none is ours: memory, or a library
    std::fprintf(stderr, "xylem: %s\n", error.what());
    return static_cast<int>(ExitCode::kFailed);
  }
}
