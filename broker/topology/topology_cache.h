// The last topology, on disk: <data>/topology.json, so that a node starts without its registry.
//
// What is written is read back and compared before it counts as cached. A file that is damaged or
// of another node is ignored with a warning, never an error: the registry has the truth.
#pragma once

#include "broker/topology/topology.h"
#include "common/result.h"
#include "storage/disk.h"

#include <optional>
#include <string>

namespace xylem::broker {

class TopologyCache {
 public:
  TopologyCache(storage::Disk& disk, const std::string& data_dir);

  Status save(const Topology& topology);

  // nullopt: there is none. kCorrupt: there is one that cannot be used.
  Result<std::optional<Topology>> load(const NodeId& node);

 private:
  storage::Disk& disk_;
  std::string path_;
};

}  // namespace xylem::broker
