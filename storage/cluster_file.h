// Which cluster a node belongs to: <data>/cluster.json, {"clusterId":"<32 hex>"}.
//
// Written once: by `xylem root init` for a root, by a LOCAL broker without a registry for itself,
// at the first contact for everyone else. An empty disk never makes a cluster by itself, and a node
// never moves to another one.
// Errors: kCorrupt (unreadable file), kAlreadyExists (another cluster is written there).
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/disk.h"

#include <optional>
#include <string>

namespace xylem::storage {

Result<std::optional<ClusterId>> read_cluster(Disk& disk, const std::string& data_dir);
Status write_cluster(Disk& disk, const std::string& data_dir, const ClusterId& cluster);

}  // namespace xylem::storage
