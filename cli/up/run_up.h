// `xylem up`: a whole tree as real processes on this machine; `xylem console` talks to a running
// one.
#pragma once

#include "cli/exit_code.h"
#include "cli/up/plan.h"

#include <string>

namespace xylem::cli {

ExitCode run_up(const UpOptions& options);

struct ConsoleOptions {
  std::string dir = "xylem-up";
  std::string command;
};

ExitCode run_console(const ConsoleOptions& options);

}  // namespace xylem::cli
