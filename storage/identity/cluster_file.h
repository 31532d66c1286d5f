// Which cluster a node belongs to: <data>/cluster.json, {"clusterId":"<32 hex>"}; and whether its
// disk may found the cluster's metadata quorum: <data>/quorum.found, an empty file.
//
// Written once: by `xylem root init` for a root, by a LOCAL broker without a registry for itself,
// at the first contact for everyone else. An empty disk never makes a cluster by itself, and a node
// never moves to another one. The mark is left by `xylem root init` of a new cluster and removed
// when the quorum is there; a disk that replaces another never gets one, for it knows nothing of
// what the lost one voted and acknowledged: it joins. Durable on return. Errors: kCorrupt
// (unreadable file), kAlreadyExists (another cluster is written there).
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/disk.h"

#include <optional>
#include <string>

namespace xylem::storage {

Result<std::optional<ClusterId>> read_cluster(Disk& disk, const std::string& data_dir);
Status write_cluster(Disk& disk, const std::string& data_dir, const ClusterId& cluster);

Status mark_founder(Disk& disk, const std::string& data_dir);
Result<bool> is_founder(Disk& disk, const std::string& data_dir);

// The quorum is there, or is not this disk's to found: the mark goes, if there is one.
Status founded(Disk& disk, const std::string& data_dir);

}  // namespace xylem::storage
