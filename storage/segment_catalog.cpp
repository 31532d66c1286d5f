#include "storage/segment_catalog.h"

#include "common/sqlite.h"
#include "common/worker.h"
#include "storage/disk.h"

#include <optional>
#include <set>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr std::string_view kSchema = R"(
  CREATE TABLE IF NOT EXISTS segments(
    topic TEXT NOT NULL, topic_id TEXT NOT NULL, generation INTEGER NOT NULL,
    partition INTEGER NOT NULL, base_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL, sealed INTEGER NOT NULL,
    PRIMARY KEY(topic_id, generation, partition, base_offset)) WITHOUT ROWID;
  PRAGMA user_version = 1;
)";

Result<Database> open_once(const std::string& path) {
  auto db = Database::open(path, {.sync = Database::Sync::kNormal});
  if (!db) return db;
  auto version = db->prepare("PRAGMA user_version");
  if (!version) return pass(version);
  auto row = version->next();
  if (!row) return pass(row);
  const auto number = version->integer(0);
  version->reset();
  if (number != 0 && number != kSchemaVersion)
    return fail(Errc::kCorrupt, path + " has another version");
  auto faults = integrity_faults(*db);
  if (!faults) return pass(faults);
  if (!faults->empty()) return fail(Errc::kCorrupt, path + ": " + faults->front());
  if (auto made = db->execute(kSchema); !made) return pass(made);
  return db;
}

// Nothing in it is worth keeping.
Result<Database> open_or_replace(const std::string& path) {
  auto db = open_once(path);
  if (db) return db;
  PosixDisk disk;
  for (const std::string_view suffix : {"", "-wal", "-shm"}) {
    auto gone = disk.remove(path + std::string(suffix));
    if (!gone && gone.error().code() != Errc::kNotFound) return pass(gone);
  }
  return open_once(path);
}

Statement& bind_log(Statement& statement, const LogId& id) {
  return statement.bind(1, std::string_view(id.incarnation.topic.text()))
      .bind(2, std::int64_t{id.incarnation.generation})
      .bind(3, std::int64_t{id.partition.value()});
}

Status remove_log(Database& db, const LogId& id) {
  auto remove =
      db.prepare("DELETE FROM segments WHERE topic_id = ?1 AND generation = ?2 AND partition = ?3");
  if (!remove) return pass(remove);
  return bind_log(*remove, id).run();
}

Status insert_log(Database& db, const LogName& log, const std::vector<SegmentInfo>& segments) {
  auto insert = db.prepare(
      "INSERT OR REPLACE INTO segments(topic_id, generation, partition, topic, base_offset,"
      " end_offset, bytes, sealed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!insert) return pass(insert);
  bind_log(*insert, log.id).bind(4, std::string_view(log.topic));
  for (const auto& segment : segments) {
    insert->bind(5, segment.base_offset.value())
        .bind(6, segment.end_offset.value())
        .bind(7, segment.bytes)
        .bind(8, std::int64_t{segment.sealed});
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> check_catalog(const std::string& path) {
  auto db = Database::open(path, {.read_only = true});
  if (!db) return pass(db);
  return integrity_faults(*db);
}

class SegmentCatalog::Impl {
 public:
  Impl(std::string path, Logger& logger)
      : path_(std::move(path)), logger_(logger), worker_("segments") {}

  void submit(std::function<Status(Database&)> work) {
    const bool taken = worker_.submit([this, work = std::move(work)] {
      if (broken_) return;
      if (!db_) {
        auto opened = open_or_replace(path_);
        if (!opened) return give_up(opened.error());
        db_.emplace(std::move(*opened));
      }
      const auto done = db_->transaction([this, &work] { return work(*db_); });
      if (!done) give_up(done.error());
    });
    if (!taken) logger_.warn("storage.catalog_behind", {{"file", path_}});
  }

 private:
  // Until the next start, which makes it anew.
  void give_up(const Error& error) {
    broken_ = true;
    logger_.warn("storage.catalog_failed", {{"file", path_}, {"error", error.what()}});
  }

  std::string path_;
  Logger& logger_;
  std::optional<Database> db_;  // the worker's
  bool broken_ = false;         // the worker's
  Worker worker_;               // last: its tasks use the rest
};

SegmentCatalog::SegmentCatalog(std::string path, Logger& logger)
    : impl_(path.empty() ? nullptr : std::make_unique<Impl>(std::move(path), logger)) {}

SegmentCatalog::~SegmentCatalog() = default;

void SegmentCatalog::keep_only(std::vector<LogName> logs) {
  if (impl_ == nullptr) return;
  impl_->submit([logs = std::move(logs)](Database& db) -> Status {
    std::set<LogId> known;
    for (const auto& log : logs) known.insert(log.id);
    std::vector<LogId> gone;
    auto rows = db.prepare("SELECT DISTINCT topic_id, generation, partition FROM segments");
    if (!rows) return pass(rows);
    for (;;) {
      auto row = rows->next();
      if (!row) return pass(row);
      if (!*row) break;
      const auto topic = TopicId::parse(rows->text(0));
      if (!topic) return fail(Errc::kCorrupt, "a row of no topic");
      const LogId id{{*topic, static_cast<std::uint32_t>(rows->integer(1))},
                     PartitionId(static_cast<std::int32_t>(rows->integer(2)))};
      if (!known.contains(id)) gone.push_back(id);
    }
    for (const auto& id : gone) {
      if (auto done = remove_log(db, id); !done) return done;
    }
    return {};
  });
}

void SegmentCatalog::set(const LogName& log, std::vector<SegmentInfo> segments) {
  if (impl_ == nullptr) return;
  impl_->submit([log, segments = std::move(segments)](Database& db) -> Status {
    if (auto removed = remove_log(db, log.id); !removed) return removed;
    return insert_log(db, log, segments);
  });
}

}  // namespace xylem::storage
