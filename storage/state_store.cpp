#include "storage/state_store.h"

#include "common/batch/crc32c.h"
#include "common/sqlite.h"
#include "common/worker.h"

#include <utility>

namespace xylem::storage {
namespace {

constexpr auto kSchema =
    "CREATE TABLE IF NOT EXISTS state("
    "  kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL,"
    "  PRIMARY KEY(kind, key)) WITHOUT ROWID";

std::uint32_t row_crc(std::string_view kind, std::string_view key, Bytes value) {
  const std::byte separator{0};
  auto crc = crc32c(bytes_of(kind));
  crc = crc32c({&separator, 1}, crc);
  crc = crc32c(bytes_of(key), crc);
  crc = crc32c({&separator, 1}, crc);
  return crc32c(value, crc);
}

// The database itself, on the worker's thread.
class StateTable {
 public:
  static Result<StateTable> open(const std::string& path) {
    auto database = Database::open(path, {.sync = Database::Sync::kFull});
    if (!database) return pass(database);
    if (auto made = database->execute(kSchema); !made) return pass(made, path);
    StateTable table(std::move(*database));
    if (auto whole = table.check(); !whole) {
      if (whole.error().code() != Errc::kCorrupt) return pass(whole, path);
      table.damage_ = std::move(whole);
    }
    return table;
  }

  Result<std::optional<Buffer>> get(const std::string& kind, const std::string& key) {
    auto select = database_.prepare("SELECT value, crc FROM state WHERE kind = ?1 AND key = ?2");
    if (!select) return pass(select);
    select->bind(1, kind).bind(2, key);
    auto row = select->next();
    if (!row) return pass(row);
    if (!*row && !damage_) return pass(damage_);
    if (!*row) return std::nullopt;
    auto value = checked(kind, key, *select, 0);
    if (!value) return pass(value);
    return std::optional(std::move(*value));
  }

  Status put_all(const std::vector<StateRow>& rows) {
    if (!damage_) return damage_;
    auto upsert = database_.prepare(
        "INSERT INTO state(kind, key, value, crc) VALUES(?1, ?2, ?3, ?4) "
        "ON CONFLICT(kind, key) DO UPDATE SET value = excluded.value, crc = excluded.crc");
    if (!upsert) return pass(upsert);
    return database_.transaction([&]() -> Status {
      for (const auto& row : rows) {
        upsert->bind(1, row.kind).bind(2, row.key).bind(3, Bytes(row.value));
        upsert->bind(4, std::int64_t{row_crc(row.kind, row.key, row.value)});
        if (auto done = upsert->run(); !done) return done;
      }
      return {};
    });
  }

  Status remove(const std::string& kind, const std::string& key) {
    if (!damage_) return damage_;
    auto erase = database_.prepare("DELETE FROM state WHERE kind = ?1 AND key = ?2");
    if (!erase) return pass(erase);
    return erase->bind(1, kind).bind(2, key).run();
  }

  Status remove_all(const std::string& kind, const std::vector<std::string>& keys) {
    return database_.transaction([&]() -> Status {
      for (const auto& key : keys)
        if (auto done = remove(kind, key); !done) return done;
      return {};
    });
  }

  Result<std::vector<StateRow>> scan(const std::string& kind) {
    if (!damage_) return pass(damage_);
    auto select =
        database_.prepare("SELECT key, value, crc FROM state WHERE kind = ?1 ORDER BY key");
    if (!select) return pass(select);
    select->bind(1, kind);
    std::vector<StateRow> rows;
    for (;;) {
      auto row = select->next();
      if (!row) return pass(row);
      if (!*row) return rows;
      std::string key(select->text(0));
      auto value = checked(kind, key, *select, 1);
      if (!value) return pass(value);
      rows.push_back({kind, std::move(key), std::move(*value)});
    }
  }

 private:
  explicit StateTable(Database database) : database_(std::move(database)) {}

  // A changed key hides its row, and others, from those who look for them: so all are looked at.
  Status check() {
    auto pages = database_.prepare("PRAGMA quick_check(1)");
    if (!pages) return pass(pages);
    auto verdict = pages->next();
    if (!verdict) return pass(verdict);
    if (pages->text(0) != "ok")
      return fail(Errc::kCorrupt, "state.db: " + std::string(pages->text(0)));
    auto select = database_.prepare("SELECT kind, key, value, crc FROM state");
    if (!select) return pass(select);
    for (;;) {
      auto row = select->next();
      if (!row) return pass(row);
      if (!*row) return {};
      const std::string kind(select->text(0));
      const std::string key(select->text(1));
      if (auto value = checked(kind, key, *select, 2); !value) return pass(value);
    }
  }

  static Result<Buffer> checked(const std::string& kind,
                                const std::string& key,
                                const Statement& row,
                                int value_column) {
    const auto value = row.blob(value_column);
    if (row.integer(value_column + 1) != std::int64_t{row_crc(kind, key, value)})
      return fail(Errc::kCorrupt, "state.db: the row " + kind + "/" + key + " fails its checksum");
    return Buffer(value.begin(), value.end());
  }

  Database database_;
  Status damage_;  // what the start found: what is not there may only be hidden
};

}  // namespace

Result<std::vector<std::string>> check_state(const std::string& path) {
  auto database = Database::open(path, {.read_only = true});
  if (!database) return pass(database);
  auto faults = integrity_faults(*database);
  if (!faults) return pass(faults);
  auto select = database->prepare("SELECT kind, key, value, crc FROM state");
  if (!select) return pass(select);
  for (;;) {
    auto row = select->next();
    if (!row && !faults->empty()) return faults;
    if (!row) return pass(row);
    if (!*row) return faults;
    const std::string kind(select->text(0));
    const std::string key(select->text(1));
    if (select->integer(3) != std::int64_t{row_crc(kind, key, select->blob(2))})
      faults->push_back("the row " + kind + "/" + key + " fails its checksum");
  }
}

class StateStore::Impl {
 public:
  Impl(StateTable table, Loop& loop)
      : table_(std::move(table)),
        loop_(loop),
        alive_(std::make_shared<bool>(true)),
        worker_("state") {}

  ~Impl() { *alive_ = false; }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Runs `work` on the worker and `done` with its answer on the loop.
  template <class Answer>
  void run(std::function<Answer(StateTable&)> work, std::function<void(Answer)> done) {
    loop_.check_here();
    auto shared = std::make_shared<std::function<void(Answer)>>(std::move(done));
    const bool accepted =
        worker_.submit([this, work = std::move(work), shared, alive = alive_, &loop = loop_] {
          auto answer = std::make_shared<Answer>(work(table_));
          loop.answer([shared, alive, answer] {
            if (*alive) (*shared)(std::move(*answer));
          });
        });
    if (!accepted) (*shared)(fail(Errc::kUnavailable, "too many requests wait for state.db"));
  }

 private:
  StateTable table_;
  Loop& loop_;
  std::shared_ptr<bool> alive_;
  Worker worker_;  // last: joined before what it works on goes
};

StateStore::StateStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StateStore::~StateStore() = default;

Result<std::unique_ptr<StateStore>> StateStore::open(const std::string& path, Loop& loop) {
  auto table = StateTable::open(path);
  if (!table) return pass(table);
  return std::unique_ptr<StateStore>(
      new StateStore(std::make_unique<Impl>(std::move(*table), loop)));
}

void StateStore::get(std::string kind, std::string key, Found found) {
  impl_->run<Result<std::optional<Buffer>>>([kind = std::move(kind), key = std::move(key)](
                                                StateTable& table) { return table.get(kind, key); },
                                            std::move(found));
}

void StateStore::put(std::string kind, std::string key, Buffer value, Done done) {
  std::vector<StateRow> rows;
  rows.push_back({std::move(kind), std::move(key), std::move(value)});
  put_all(std::move(rows), std::move(done));
}

void StateStore::put_all(std::vector<StateRow> rows, Done done) {
  impl_->run<Status>([rows = std::move(rows)](StateTable& table) { return table.put_all(rows); },
                     std::move(done));
}

void StateStore::remove(std::string kind, std::string key, Done done) {
  impl_->run<Status>([kind = std::move(kind),
                      key = std::move(key)](StateTable& table) { return table.remove(kind, key); },
                     std::move(done));
}

void StateStore::remove_all(std::string kind, std::vector<std::string> keys, Done done) {
  impl_->run<Status>([kind = std::move(kind), keys = std::move(keys)](
                         StateTable& table) { return table.remove_all(kind, keys); },
                     std::move(done));
}

void StateStore::scan(std::string kind, Rows rows) {
  impl_->run<Result<std::vector<StateRow>>>(
      [kind = std::move(kind)](StateTable& table) { return table.scan(kind); }, std::move(rows));
}

}  // namespace xylem::storage
