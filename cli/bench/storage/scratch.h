// Runs a piece of work in a process of its own, with a directory that goes when it ends, however it
// ends: done, failed, crashed, or interrupted.
#pragma once

#include "cli/exit_code.h"

#include <functional>
#include <string>

namespace xylem::cli {

// `work` gets the directory's path, below `parent`. kInterrupted: SIGINT, SIGTERM or SIGHUP came.
// No other thread may run when this is called.
ExitCode run_in_scratch(const std::string& parent,
                        const std::function<ExitCode(const std::string& directory)>& work);

}  // namespace xylem::cli
