// `xylem log dump|verify DATA_DIR [TOPIC]`: looks into a broker's logs, also while it runs.
//
// dump lists the logs with their digests; verify (log_verify.h) checks everything, and mends it.
#pragma once

#include "cli/exit_code.h"

#include <cstdint>
#include <string>

namespace xylem::cli {

struct LogOptions {
  enum class Action : std::uint8_t { kDump, kVerify };

  Action action = Action::kDump;
  bool digest = false;  // dump: one line a log, for comparison between nodes
  bool repair = false;  // verify: mends what can be mended; no process may run on the directory
  std::string data_dir;
  std::string topic;  // empty: all
  bool json = false;
};

ExitCode run_log(const LogOptions& options);

}  // namespace xylem::cli
