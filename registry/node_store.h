// What survives a restart of the registry: the nodes, their last known addresses, the topology
// version and the cluster's id, in one SQLite file.
//
//   registry(key TEXT, value TEXT)                 topology_version, cluster_id
//   nodes(id, location, role_wish, version, tcp, http, pipe, gone)
//   refreshes, refresh_nodes                       see refresh/refresh_store.h
//
// Heartbeats are not stored: only what changes a node's place or reach.
// Errors: kUnsupportedVersion (the file is a newer release's), else those of common/sqlite.h.
// Threads: one at a time; see StoreWriter.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "registry/node_report.h"
#include "registry/refresh/refresh_record.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::registry {

struct NodeRecord {
  NodeId id;
  Location location;
  std::optional<Role> role_wish;
  std::string version;
  NodeAddresses addresses;
  bool gone = false;
};

struct RegistryState {
  std::int64_t topology_version = 0;
  ClusterId cluster;  // nil: not known yet
  std::vector<NodeRecord> nodes;
  std::vector<StoredRefresh> refreshes;
};

struct RegistryChanges {
  std::int64_t topology_version = 0;
  ClusterId cluster;
  std::vector<NodeRecord> saved;
  std::vector<NodeId> forgotten;
  RefreshChanges refreshes;
};

class NodeStore {
 public:
  // Creates the file when it is missing. ":memory:" is a private one.
  static Result<NodeStore> open(const std::string& path);

  Result<RegistryState> load();

  // One transaction, synced on return.
  Status apply(const RegistryChanges& changes);

 private:
  explicit NodeStore(Database database);
  Status save_nodes(const RegistryChanges& changes);
  Status save_value(std::string_view key, std::string_view value);

  Database database_;
};

}  // namespace xylem::registry
