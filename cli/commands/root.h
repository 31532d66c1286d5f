// `xylem root init`: gives an empty data directory its cluster, which is thereby made.
#pragma once

#include "cli/exit_code.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct RootInitOptions {
  std::string data_dir;
  std::string cluster_id;  // 32 hexadecimal digits; empty: a new one
  bool replaces = false;   // the disk takes the place of a lost one; with a cluster id
  bool json = false;
};

enum class RootDisk : std::uint8_t {
  kNew,          // may found the metadata quorum
  kReplacement,  // joins it
};

// Makes the directory when it is missing. A directory that has a cluster keeps it, and does not
// become a founder again; kAlreadyExists when another one was asked for.
Result<ClusterId> init_root(const std::string& data_dir,
                            const std::optional<ClusterId>& cluster,
                            RootDisk disk = RootDisk::kNew);

// All directories of one root tier, with one cluster. Once the quorum was founded, those that are
// empty are replacements. kInvalidRequest: the data of one that stands alone in a tier of several,
// or the other way round.
Result<ClusterId> init_root_tier(const std::vector<std::string>& data_dirs);

ExitCode run_root_init(const RootInitOptions& options);

}  // namespace xylem::cli
