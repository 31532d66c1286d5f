#include "registry/refresh/refresh_store.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace xylem::registry {
namespace {

constexpr std::int32_t kWavesMax = 1'000'000;  // a job has at most two a node

// An older release ignores these tables, so they do not change the schema's version.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE IF NOT EXISTS refreshes(
  id TEXT PRIMARY KEY, topic TEXT NOT NULL, scope TEXT NOT NULL, scope_node TEXT NOT NULL,
  wave_nodes INTEGER NOT NULL, failures_max INTEGER NOT NULL, reason TEXT NOT NULL,
  who TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL, last_round INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refresh_nodes(
  refresh TEXT NOT NULL, node TEXT NOT NULL, level INTEGER NOT NULL,
  wave INTEGER NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, consumers INTEGER NOT NULL,
  reset INTEGER NOT NULL, ready INTEGER NOT NULL, replayed INTEGER NOT NULL,
  to_replay INTEGER NOT NULL, failure TEXT NOT NULL, PRIMARY KEY(refresh, node)) WITHOUT ROWID;
)sql";

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Errc::kCorrupt, "a stored refresh has no good " + std::string(what));
}

Result<RefreshRecord> read_record(const Statement& row) {
  auto id = refresh_id_of(row.text(0));
  const auto kind = scope_kind_of(row.text(2));
  const auto state = job_state_of(row.text(8));
  if (!id) return wrong("id");
  if (!kind) return wrong("scope");
  if (!state) return wrong("state");
  RefreshRecord record{.id = *id,
                       .topic = std::string(row.text(1)),
                       .scope = {.kind = *kind, .node = NodeId(row.text(3))},
                       .wave_nodes = row.integer(4),
                       .failures_max = row.integer(5),
                       .reason = std::string(row.text(6)),
                       .who = std::string(row.text(7)),
                       .state = *state,
                       .why = std::string(row.text(9)),
                       .started_at_ms = row.integer(10),
                       .ended_at_ms = row.integer(11),
                       .is_last_round = row.integer(12) != 0};
  if (record.wave_nodes <= 0) return wrong("size of a wave");
  return record;
}

Result<JobNode> read_node(const Statement& row) {
  const auto state = job_node_state_of(row.text(4));
  const auto phase = refresh_phase_of(row.text(5));
  if (!state || !phase) return wrong("state of a node");
  JobNode node{.id = NodeId(row.text(1)),
               .level = static_cast<std::int32_t>(row.integer(2)),
               .wave = static_cast<std::int32_t>(row.integer(3)),
               .state = *state,
               .progress = {.phase = *phase,
                            .consumers = row.integer(6),
                            .consumers_reset = row.integer(7),
                            .consumers_ready = row.integer(8),
                            .replayed = row.integer(9),
                            .to_replay = row.integer(10),
                            .failure = {}},
               .failure = std::string(row.text(11))};
  if (node.wave <= 0 || node.wave > kWavesMax) return wrong("wave");
  return node;
}

Status save_record(Statement& save, const RefreshRecord& record) {
  return save.bind(1, refresh_id_text(record.id))
      .bind(2, record.topic)
      .bind(3, to_string(record.scope.kind))
      .bind(4, record.scope.node)
      .bind(5, record.wave_nodes)
      .bind(6, record.failures_max)
      .bind(7, record.reason)
      .bind(8, record.who)
      .bind(9, to_string(record.state))
      .bind(10, record.why)
      .bind(11, record.started_at_ms)
      .bind(12, record.ended_at_ms)
      .bind(13, std::int64_t{record.is_last_round})
      .run();
}

Status save_node(Statement& save, RefreshId refresh, const JobNode& node) {
  return save.bind(1, refresh_id_text(refresh))
      .bind(2, node.id)
      .bind(3, std::int64_t{node.level})
      .bind(4, std::int64_t{node.wave})
      .bind(5, to_string(node.state))
      .bind(6, to_string(node.progress.phase))
      .bind(7, node.progress.consumers)
      .bind(8, node.progress.consumers_reset)
      .bind(9, node.progress.consumers_ready)
      .bind(10, node.progress.replayed)
      .bind(11, node.progress.to_replay)
      .bind(12, node.failure)
      .run();
}

Status forget(Database& database, const std::vector<RefreshId>& forgotten) {
  for (const auto* sql :
       {"DELETE FROM refresh_nodes WHERE refresh = ?1", "DELETE FROM refreshes WHERE id = ?1"}) {
    auto remove = database.prepare(sql);
    if (!remove) return pass(remove);
    for (const auto id : forgotten)
      if (auto removed = remove->bind(1, refresh_id_text(id)).run(); !removed) return removed;
  }
  return {};
}

}  // namespace

Status make_refresh_tables(Database& database) { return database.execute(kSchema); }

Result<std::vector<StoredRefresh>> load_refreshes(Database& database) {
  std::vector<StoredRefresh> refreshes;
  std::map<std::string, std::size_t, std::less<>> places;
  auto records = database.prepare(
      "SELECT id, topic, scope, scope_node, wave_nodes, failures_max, reason, who, state, why, "
      "started_at, ended_at, last_round FROM refreshes ORDER BY started_at, id");
  if (!records) return pass(records);
  auto row = records->next();
  for (; row && *row; row = records->next()) {
    auto record = read_record(*records);
    if (!record) return pass(record);
    places.emplace(refresh_id_text(record->id), refreshes.size());
    refreshes.push_back({.record = *std::move(record), .nodes = {}});
  }
  if (!row) return pass(row);
  auto nodes = database.prepare(
      "SELECT refresh, node, level, wave, state, phase, consumers, reset, ready, "
      "replayed, to_replay, failure FROM refresh_nodes");
  if (!nodes) return pass(nodes);
  for (row = nodes->next(); row && *row; row = nodes->next()) {
    auto node = read_node(*nodes);
    if (!node) return pass(node);
    const auto place = places.find(nodes->text(0));
    if (place == places.end()) return wrong("refresh for one of its nodes");
    auto& refresh = refreshes[place->second];
    const bool has_said =
        node->state == JobNodeState::kRunning || node->progress.phase != RefreshPhase::kResetSent;
    if (has_said) node->progress.id = refresh.record.id;
    refresh.nodes.push_back(*std::move(node));
  }
  if (!row) return pass(row);
  return refreshes;
}

Status save_refreshes(Database& database, const RefreshChanges& changes) {
  if (changes.empty()) return {};
  auto record = database.prepare(
      "INSERT OR REPLACE INTO refreshes(id, topic, scope, scope_node, wave_nodes, failures_max, "
      "reason, who, state, why, started_at, ended_at, last_round) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  if (!record) return pass(record);
  auto node = database.prepare(
      "INSERT OR REPLACE INTO refresh_nodes(refresh, node, level, wave, state, phase, "
      "consumers, reset, ready, replayed, to_replay, failure) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  if (!node) return pass(node);
  for (const auto& saved : changes.saved) {
    if (auto done = save_record(*record, saved.record); !done) return done;
    for (const auto& each : saved.nodes)
      if (auto done = save_node(*node, saved.record.id, each); !done) return done;
  }
  return forget(database, changes.forgotten);
}

}  // namespace xylem::registry
