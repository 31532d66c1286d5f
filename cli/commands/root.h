// `xylem root init`: gives an empty data directory its cluster, which is thereby made.
#pragma once

#include "cli/exit_code.h"
#include "common/ids.h"
#include "common/result.h"

#include <optional>
#include <string>

namespace xylem::cli {

struct RootInitOptions {
  std::string data_dir;
  std::string cluster_id;  // 32 hexadecimal digits; empty: a new one
  bool json = false;
};

// Makes the directory when it is missing. A directory that has a cluster keeps it; kAlreadyExists
// when another one was asked for.
Result<ClusterId> init_root(const std::string& data_dir, const std::optional<ClusterId>& cluster);

ExitCode run_root_init(const RootInitOptions& options);

}  // namespace xylem::cli
