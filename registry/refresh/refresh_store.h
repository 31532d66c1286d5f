// Refreshes in the registry's SQLite file.
//
//   refreshes(id, topic, scope, scope_node, wave_nodes, failures_max, reason, who, state, why,
//             started_at, ended_at, last_round)
//   refresh_nodes(refresh, node, level, wave, state, phase, consumers, reset, ready, replayed,
//                 to_replay, failure)
//
// What a node reports between two states is not stored.
// Errors: kCorrupt (a value that is none of ours), else those of common/sqlite.h.
// Threads: the database's.
#pragma once

#include "common/sqlite.h"
#include "registry/refresh/refresh_record.h"

#include <vector>

namespace xylem::registry {

Status make_refresh_tables(Database& database);
Result<std::vector<StoredRefresh>> load_refreshes(Database& database);

// Part of the caller's transaction.
Status save_refreshes(Database& database, const RefreshChanges& changes);

}  // namespace xylem::registry
