#include "cli/up/run_up.h"

#include "cli/output.h"
#include "cli/up/console_socket.h"
#include "cli/up/coordinator.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace xylem::cli {

namespace fs = std::filesystem;

ExitCode run_up(const UpOptions& asked) {
  auto options = asked;
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) fs::create_directories(options.dir, failed);
  if (!failed) options.dir = fs::canonical(options.dir, failed).string();
  if (failed) {
    complain(asked.dir + ": " + failed.message());
    return ExitCode::kFailed;
  }
  auto plan = make_plan(options, self.parent_path().string());
  if (!plan) return report(plan.error());
  return Coordinator(options, std::move(*plan), self.string()).run();
}

ExitCode run_console(const ConsoleOptions& options) {
  const auto reply = ask_console(options.dir, options.command);
  if (!reply) return report(reply.error());
  const auto written = finish_with(reply->text);
  return reply->code == ExitCode::kOk ? written : reply->code;
}

}  // namespace xylem::cli
