// `xylem log verify DATA_DIR [TOPIC] [--repair]`: every batch, index, bound and database of a data
// directory.
//
// One line a fault: file, position, what is wrong, what to do; notes (a file that was set aside, a
// torn tail) are no faults. Fails when there is a fault, with --repair when one is left.
#pragma once

#include "cli/commands/log.h"
#include "cli/exit_code.h"

namespace xylem::cli {

ExitCode run_log_verify(const LogOptions& options);

}  // namespace xylem::cli
