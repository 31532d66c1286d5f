#include "common/sqlite.h"

#include "common/check.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace xylem {
namespace {

Errc errc_of(sqlite3* connection, int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return Errc::kDiskFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::kUnavailable;
    case SQLITE_CONSTRAINT:
      return Errc::kAlreadyExists;
    case SQLITE_IOERR: {
      const int error = sqlite3_system_errno(connection);
      return error == ENOSPC || error == EDQUOT ? Errc::kDiskFull : Errc::kIo;
    }
    default:
      return Errc::kIo;
  }
}

std::unexpected<Error> failed(sqlite3* connection, int result) {
  return fail(errc_of(connection, result), std::string("sqlite: ") + sqlite3_errmsg(connection) +
                                               " (" + sqlite3_errstr(result) + ")");
}

struct Close {
  void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};

}  // namespace

class Statement::Impl {
 public:
  explicit Impl(sqlite3_stmt* statement) : statement_(statement) {}

  template <class Bind>
  void bind(Bind bind_value) {
    reset();
    const int result = bind_value(statement_.get());
    XYLEM_CHECK(result != SQLITE_RANGE && result != SQLITE_MISUSE);
    if (result != SQLITE_OK && bound_ == SQLITE_OK) bound_ = result;
  }

  Result<bool> next() {
    if (const int bound = std::exchange(bound_, SQLITE_OK); bound != SQLITE_OK)
      return fail(Errc::kMessageTooLarge, std::string("sqlite: ") + sqlite3_errstr(bound));
    const int result = sqlite3_step(statement_.get());
    has_row_ = result == SQLITE_ROW;
    if (has_row_) return true;
    if (result == SQLITE_DONE) {
      sqlite3_reset(statement_.get());
      return false;
    }
    auto error = failed(sqlite3_db_handle(statement_.get()), result);
    sqlite3_reset(statement_.get());
    return error;
  }

  void reset() {
    sqlite3_reset(statement_.get());
    has_row_ = false;
  }

  // Of the current row.
  [[nodiscard]] sqlite3_stmt* row(int column) const {
    XYLEM_CHECK(has_row_ && column >= 0 && column < sqlite3_column_count(statement_.get()));
    return statement_.get();
  }

 private:
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = SQLITE_OK;  // the first error of a bind since the last step
  bool has_row_ = false;
};

Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Statement::~Statement() = default;
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;

Statement& Statement::bind(int parameter, std::int64_t value) {
  impl_->bind([&](auto* statement) { return sqlite3_bind_int64(statement, parameter, value); });
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();  // a null pointer would be NULL
  impl_->bind([&](auto* statement) {
    return sqlite3_bind_text64(statement, parameter, text, value.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  });
  return *this;
}

Statement& Statement::bind(int parameter, Bytes value) {
  const void* blob = value.empty() ? "" : static_cast<const void*>(value.data());
  impl_->bind([&](auto* statement) {
    return sqlite3_bind_blob64(statement, parameter, blob, value.size(), SQLITE_TRANSIENT);
  });
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  impl_->bind([&](auto* statement) { return sqlite3_bind_null(statement, parameter); });
  return *this;
}

Status Statement::run() {
  for (;;) {
    auto stepped = impl_->next();
    if (!stepped) return pass(stepped);
    if (!*stepped) return {};
  }
}

Result<bool> Statement::next() { return impl_->next(); }

void Statement::reset() { impl_->reset(); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(impl_->row(column), column);
}

// sqlite3_column_bytes comes after the conversion: that is the order SQLite asks for.
std::string_view Statement::text(int column) const {
  auto* row = impl_->row(column);
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

Bytes Statement::blob(int column) const {
  auto* row = impl_->row(column);
  const auto* blob = static_cast<const std::byte*>(sqlite3_column_blob(row, column));
  if (blob == nullptr) return {};
  return {blob, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(impl_->row(column), column) == SQLITE_NULL;
}

class Database::Impl {
 public:
  explicit Impl(sqlite3* connection) : connection_(connection) {
    if (connection != nullptr) sqlite3_extended_result_codes(connection, 1);
  }

  [[nodiscard]] sqlite3* raw() const { return connection_.get(); }

 private:
  std::unique_ptr<sqlite3, Close> connection_;
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

Result<Database> Database::open(const std::string& path, const Options& options) {
  const int access =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* connection = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &connection, access | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(std::make_unique<Impl>(connection));
  XYLEM_CHECK(connection != nullptr);  // else there was no memory even for the error
  if (opened != SQLITE_OK) {
    Status status = failed(connection, opened);
    return pass(status, "open " + path);
  }
  sqlite3_busy_timeout(connection, options.busy_timeout_ms);
  std::string settings = "PRAGMA mmap_size=0; PRAGMA cell_size_check=1; PRAGMA temp_store=MEMORY;";
  settings += "PRAGMA cache_size=-" + std::to_string(options.cache_kib) + ";";
  if (!options.read_only) settings += "PRAGMA journal_mode=WAL;";
  settings +=
      options.sync == Sync::kFull ? "PRAGMA synchronous=FULL;" : "PRAGMA synchronous=NORMAL;";
  settings += "SELECT count(*) FROM sqlite_schema;";  // reads the file: SQLite opens lazily
  auto set = database.execute(settings);
  if (!set) return pass(set, "open " + path);
  return database;
}

Status Database::execute(std::string_view sql) {
  const std::string text(sql);
  const int result = sqlite3_exec(impl_->raw(), text.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return failed(impl_->raw(), result);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(impl_->raw(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return failed(impl_->raw(), result);
  XYLEM_CHECK(statement != nullptr);  // else the text held no statement
  return Statement(std::make_unique<Statement::Impl>(statement));
}

Status Database::transaction(const std::function<Status()>& body) {
  XYLEM_CHECK(sqlite3_get_autocommit(impl_->raw()) != 0);  // they do not nest
  Status done = execute("BEGIN IMMEDIATE");
  if (!done) return done;
  done = body();
  if (done) done = execute("COMMIT");
  // Some errors have rolled back already.
  if (!done && sqlite3_get_autocommit(impl_->raw()) == 0) XYLEM_CHECK(execute("ROLLBACK"));
  return done;
}

Result<std::vector<std::string>> integrity_faults(Database& database) {
  std::vector<std::string> faults;
  auto check = database.prepare("PRAGMA integrity_check");
  if (!check) return pass(check);
  for (;;) {
    auto row = check->next();
    if (!row && row.error().code() != Errc::kCorrupt) return pass(row);
    if (!row) faults.emplace_back(row.error().what());
    if (!row || !*row) return faults;
    if (check->text(0) != "ok") faults.emplace_back(check->text(0));
  }
}

std::int64_t Database::changes() const { return sqlite3_changes64(impl_->raw()); }

}  // namespace xylem
