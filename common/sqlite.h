// SQLite behind results: a database, its statements, transactions.
//
//   auto insert = db.prepare("INSERT INTO offsets(name, next) VALUES(?1, ?2)");
//   ...
//   insert->bind(1, name).bind(2, next);
//   const Status done = insert->run();
//
// One connection per file, one thread at a time owns it. mmap_size is 0 (a mapped page that cannot
// be read is SIGBUS), the journal is WAL; `kFull` syncs every commit, `kNormal` may lose the last
// ones in a power cut. Statements may outlive their database, which closes with the last of them.
//
// Threads: the owner's. Errors, with SQLite's own text: kDiskFull, kCorrupt (also: not a database),
// kUnavailable (locked by another process), kAlreadyExists (a constraint), kIo (all else, also a
// mistake in the SQL).
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem {

class Statement {
 public:
  class Impl;
  explicit Statement(std::unique_ptr<Impl> impl);
  ~Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1. A bound text or blob is copied. Values stay until bound again; a new
  // value in the middle of rows ends them. What cannot be bound (over 1 GB) makes the next run() or
  // next() fail with kMessageTooLarge.
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view value);
  Statement& bind(int parameter, Bytes value);
  Statement& bind_null(int parameter);

  // Runs to the end, ignoring rows, and resets.
  Status run();

  // Steps: true while there is a row; resets itself after the last one or an error.
  Result<bool> next();
  void reset();  // stop in the middle of rows

  // Columns of the current row, from 0. Views hold until the next step. NULL is 0 or empty.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  std::unique_ptr<Impl> impl_;
};

class Database;

// What PRAGMA integrity_check finds, at most a hundred; empty: nothing.
Result<std::vector<std::string>> integrity_faults(Database& database);

class Database {
 public:
  enum class Sync : std::uint8_t { kNormal, kFull };

  struct Options {
    Sync sync = Sync::kFull;
    bool read_only = false;
    std::int64_t cache_kib = 256;
    int busy_timeout_ms = 1'000;  // patience with another process's lock
  };

  // Creates the file when it is missing. ":memory:" is a private one in memory.
  static Result<Database> open(const std::string& path, const Options& options);

  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or more statements without parameters or results.
  Status execute(std::string_view sql);
  Result<Statement> prepare(std::string_view sql);

  // BEGIN IMMEDIATE, `body`, COMMIT; ROLLBACK when `body` or the commit fails.
  Status transaction(const std::function<Status()>& body);

  [[nodiscard]] std::int64_t changes() const;  // rows of the last INSERT, UPDATE or DELETE

 private:
  class Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
