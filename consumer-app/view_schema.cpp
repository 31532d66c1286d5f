#include "consumer-app/view_schema.h"

#include <bit>
#include <string>
#include <string_view>
#include <utility>

namespace xylem::consumer_app {
namespace {

// wal_autocheckpoint is in pages of 4 KiB: a load of big transactions is copied back every 16 MiB.
constexpr std::string_view kSchema = R"(
PRAGMA wal_autocheckpoint = 4096;
PRAGMA journal_size_limit = 67108864;
CREATE TABLE IF NOT EXISTS copies(
  copy INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, state INTEGER NOT NULL,
  refresh_id INTEGER NOT NULL, topic_id TEXT NOT NULL, generation INTEGER NOT NULL,
  whole INTEGER NOT NULL, keys INTEGER NOT NULL, records INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS copies_in_use ON copies(topic, state) WHERE state < 2;
CREATE TABLE IF NOT EXISTS cursors(
  copy INTEGER NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY(copy, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries(
  copy INTEGER NOT NULL, key BLOB NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  epoch INTEGER NOT NULL, timestamp INTEGER NOT NULL, headers TEXT, value BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS entries_by_key ON entries(copy, key);
)";

// PRAGMA user_version. 1: a copy has a tag, its partitions a begin.
constexpr std::int64_t kVersion = 1;

constexpr std::string_view kFromVersion0 = R"(
BEGIN IMMEDIATE;
ALTER TABLE copies ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursors ADD COLUMN begin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursors ADD COLUMN exact INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 1;
COMMIT;
)";

Result<std::int64_t> version_of(Database& database) {
  auto row = database.prepare("PRAGMA user_version");
  if (!row) return pass(row);
  if (auto stepped = row->next(); !stepped) return pass(stepped);
  return row->integer(0);
}

Result<CopyState> copy_of_row(const Statement& row) {
  auto topic_id = TopicId::parse(row.text(4));
  if (!topic_id) return fail(Errc::kCorrupt, "view: a copy's topic id is none");
  return CopyState{
      .copy = row.integer(0),
      .incarnation = {*topic_id, static_cast<std::uint32_t>(row.integer(5))},
      .refresh_id = std::bit_cast<std::uint64_t>(row.integer(3)),
      .whole = row.integer(6) != 0,
      .keys = row.integer(7),
      .records = row.integer(8),
      .tag = static_cast<std::uint32_t>(row.integer(9)),
      .cursors = {},
      .begins = {},
  };
}

}  // namespace

Status create_view_schema(Database& database) {
  if (auto made = database.execute(kSchema); !made) return made;
  auto version = version_of(database);
  if (!version) return pass(version);
  if (*version > kVersion)
    return fail(Errc::kUnsupportedVersion, "view: written by a later version of this program",
                "run that version, or remove view.db: it is built again");
  return *version == kVersion ? Status() : database.execute(kFromVersion0);
}

Result<Copies> load_copies(Database& database) {
  Copies copies;
  auto rows = database.prepare(
      "SELECT copy, topic, state, refresh_id, topic_id, generation, whole, keys, records, "
      "tag FROM copies WHERE state < 2");
  if (!rows) return pass(rows);
  auto cursors =
      database.prepare("SELECT partition, next, begin, exact FROM cursors WHERE copy=?1");
  if (!cursors) return pass(cursors);
  while (true) {
    auto more = rows->next();
    if (!more) return pass(more);
    if (!*more) return copies;
    auto copy = copy_of_row(*rows);
    if (!copy) return pass(copy);
    cursors->bind(1, copy->copy);
    while (true) {
      auto cursor = cursors->next();
      if (!cursor) return pass(cursor);
      if (!*cursor) break;
      const PartitionId partition(static_cast<std::int32_t>(cursors->integer(0)));
      copy->cursors[partition] = Offset(cursors->integer(1));
      copy->begins[partition] = {Offset(cursors->integer(2)), cursors->integer(3) != 0};
    }
    auto& topic = copies[std::string(rows->text(1))];
    (rows->integer(2) == kCurrentRow ? topic.current : topic.shadow) = std::move(*copy);
  }
}

}  // namespace xylem::consumer_app
