#include "registry/node_store.h"

#include "registry/refresh/refresh_store.h"

#include <charconv>
#include <utility>

namespace xylem::registry {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr std::string_view kSchema = R"sql(
CREATE TABLE IF NOT EXISTS registry(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes(
  id TEXT PRIMARY KEY, location TEXT NOT NULL, role_wish TEXT NOT NULL, version TEXT NOT NULL,
  tcp TEXT NOT NULL, http TEXT NOT NULL, pipe TEXT NOT NULL, gone INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

Status check_schema(Database& database) {
  auto query = database.prepare("PRAGMA user_version");
  if (!query) return pass(query);
  auto row = query->next();
  if (!row) return pass(row);
  const auto version = *row ? query->integer(0) : 0;
  if (version > kSchemaVersion)
    return fail(Errc::kUnsupportedVersion, "schema " + std::to_string(version) +
                                               " is newer than this release's " +
                                               std::to_string(kSchemaVersion));
  return {};
}

Result<NodeRecord> read_node(const Statement& row) {
  NodeRecord node;
  node.id = row.text(0);
  auto location = Location::parse(row.text(1));
  if (!location) return fail(Errc::kCorrupt, "node " + node.id + ": " + location.error().what());
  node.location = *std::move(location);
  node.role_wish = role_of_name(row.text(2));
  node.version = row.text(3);
  node.addresses = {.tcp = std::string(row.text(4)),
                    .http = std::string(row.text(5)),
                    .pipe = std::string(row.text(6))};
  node.gone = row.integer(7) != 0;
  return node;
}

Status read_value(std::string_view key, std::string_view value, RegistryState& state) {
  if (key == "topology_version") {
    const std::string digits(value);
    const auto* end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, state.topology_version).ptr != end)
      return fail(Errc::kCorrupt, "topology_version is not a number");
  } else if (key == "cluster_id") {
    auto cluster = ClusterId::parse(value);
    if (!cluster) return fail(Errc::kCorrupt, "cluster_id: " + cluster.error().what());
    state.cluster = *cluster;
  }
  return {};
}

}  // namespace

Result<NodeStore> NodeStore::open(const std::string& path) {
  const std::string doing = "open registry store " + path;
  auto database = Database::open(path, {.sync = Database::Sync::kFull});
  if (!database) return pass(database, doing);
  if (auto checked = check_schema(*database); !checked) return pass(checked, doing);
  if (auto made = database->execute(kSchema); !made) return pass(made, doing);
  if (auto made = make_refresh_tables(*database); !made) return pass(made, doing);
  return NodeStore(*std::move(database));
}

NodeStore::NodeStore(Database database) : database_(std::move(database)) {}

Result<RegistryState> NodeStore::load() {
  RegistryState state;
  auto values = database_.prepare("SELECT key, value FROM registry");
  if (!values) return pass(values, "load registry store");
  auto row = values->next();
  for (; row && *row; row = values->next())
    if (auto read = read_value(values->text(0), values->text(1), state); !read)
      return pass(read, "load registry store");
  if (!row) return pass(row, "load registry store");

  auto nodes = database_.prepare(
      "SELECT id, location, role_wish, version, tcp, http, pipe, gone FROM nodes ORDER BY id");
  if (!nodes) return pass(nodes, "load registry store");
  for (row = nodes->next(); row && *row; row = nodes->next()) {
    auto node = read_node(*nodes);
    if (!node) return pass(node, "load registry store");
    state.nodes.push_back(*std::move(node));
  }
  if (!row) return pass(row, "load registry store");
  auto refreshes = load_refreshes(database_);
  if (!refreshes) return pass(refreshes, "load registry store");
  state.refreshes = *std::move(refreshes);
  return state;
}

Status NodeStore::apply(const RegistryChanges& changes) {
  auto done = database_.transaction([&]() -> Status {
    if (auto saved = save_value("topology_version", std::to_string(changes.topology_version));
        !saved)
      return saved;
    if (!changes.cluster.is_nil()) {
      if (auto saved = save_value("cluster_id", changes.cluster.text()); !saved) return saved;
    }
    if (auto saved = save_nodes(changes); !saved) return saved;
    return save_refreshes(database_, changes.refreshes);
  });
  if (!done) return pass(done, "write registry store");
  return {};
}

Status NodeStore::save_nodes(const RegistryChanges& changes) {
  auto remove = database_.prepare("DELETE FROM nodes WHERE id = ?1");
  if (!remove) return pass(remove);
  for (const auto& id : changes.forgotten)
    if (auto removed = remove->bind(1, id).run(); !removed) return removed;
  auto save = database_.prepare(
      "INSERT OR REPLACE INTO nodes(id, location, role_wish, version, tcp, http, pipe, gone) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!save) return pass(save);
  for (const auto& node : changes.saved) {
    save->bind(1, node.id)
        .bind(2, node.location.text())
        .bind(3, node.role_wish ? to_string(*node.role_wish) : std::string_view())
        .bind(4, node.version)
        .bind(5, node.addresses.tcp)
        .bind(6, node.addresses.http)
        .bind(7, node.addresses.pipe)
        .bind(8, std::int64_t{node.gone});
    if (auto saved = save->run(); !saved) return saved;
  }
  return {};
}

Status NodeStore::save_value(std::string_view key, std::string_view value) {
  auto save = database_.prepare("INSERT OR REPLACE INTO registry(key, value) VALUES(?1, ?2)");
  if (!save) return pass(save);
  return save->bind(1, key).bind(2, value).run();
}

}  // namespace xylem::registry
