#include "common/sqlite.h"

#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace xylem {
namespace {

Database open_or_die(const std::string& path, const Database::Options& options = {}) {
  auto database = Database::open(path, options);
  REQUIRE(database);
  return std::move(*database);
}

std::int64_t single(Database& database, std::string_view sql) {
  auto statement = database.prepare(sql);
  REQUIRE(statement);
  REQUIRE(statement->next() == true);
  return statement->integer(0);
}

TEST_CASE("sqlite: values come back as they were bound") {
  auto database = open_or_die(":memory:");
  REQUIRE(database.execute("CREATE TABLE t(i, t, b, n)"));
  const std::string text("a\0b\xff", 4);
  auto insert = database.prepare("INSERT INTO t VALUES(?1, ?2, ?3, ?4)");
  REQUIRE(insert);
  REQUIRE(insert->bind(1, INT64_MIN).bind(2, text).bind(3, bytes_of(text)).bind_null(4).run());
  CHECK(database.changes() == 1);
  REQUIRE(insert->bind(1, 0).bind(2, "").bind(3, Bytes()).run());  // empty is not NULL
  auto select = database.prepare("SELECT i, t, b, n FROM t ORDER BY rowid");
  REQUIRE(select);
  REQUIRE(select->next() == true);
  CHECK(select->integer(0) == INT64_MIN);
  CHECK(select->text(1) == text);
  CHECK(text_of(select->blob(2)) == text);
  CHECK(select->is_null(3));
  CHECK(select->integer(3) == 0);
  CHECK(select->text(3).empty());
  CHECK(select->blob(3).empty());
  REQUIRE(select->next() == true);
  CHECK_FALSE(select->is_null(1));
  CHECK_FALSE(select->is_null(2));
  CHECK(select->next() == false);
  CHECK(select->next() == true);  // it had reset itself
}

TEST_CASE("sqlite: a statement can be stopped in the middle, and bound anew") {
  auto database = open_or_die(":memory:");
  REQUIRE(database.execute("CREATE TABLE t(i); INSERT INTO t VALUES(1),(2),(3)"));
  auto select = database.prepare("SELECT i FROM t WHERE i >= ?1 ORDER BY i");
  REQUIRE(select);
  REQUIRE(select->bind(1, 1).next() == true);
  CHECK(select->integer(0) == 1);
  select->reset();
  REQUIRE(select->next() == true);
  CHECK(select->integer(0) == 1);
  REQUIRE(select->bind(1, 3).next() == true);
  CHECK(select->integer(0) == 3);
}

TEST_CASE("sqlite: a transaction is all or nothing") {
  auto database = open_or_die(":memory:");
  REQUIRE(database.execute("CREATE TABLE t(i INTEGER PRIMARY KEY)"));
  CHECK(database.transaction([&] { return database.execute("INSERT INTO t VALUES(1)"); }));
  auto own = database.transaction([&]() -> Status {
    CHECK(database.execute("INSERT INTO t VALUES(2)"));
    return fail(Errc::kCancelled, "no");
  });
  CHECK(own.error().code() == Errc::kCancelled);
  auto constraint = database.transaction([&] {
    CHECK(database.execute("INSERT INTO t VALUES(2)"));
    return database.execute("INSERT INTO t VALUES(1)");
  });
  CHECK(constraint.error().code() == Errc::kAlreadyExists);
  CHECK(single(database, "SELECT count(*) FROM t") == 1);
}

TEST_CASE("sqlite: a mistake in the SQL is an error with SQLite's text") {
  auto database = open_or_die(":memory:");
  CHECK(database.execute("nonsense").error().what().find("syntax error") != std::string::npos);
  auto statement = database.prepare("SELECT * FROM nowhere");
  REQUIRE_FALSE(statement);
  CHECK(statement.error().code() == Errc::kIo);
  CHECK(statement.error().what().find("no such table: nowhere") != std::string::npos);
}

TEST_CASE("sqlite: what was committed is there after reopening, with the settings asked for") {
  TemporaryDirectory directory;
  const auto path = directory.file("a.db");
  {
    auto database = open_or_die(path, {.sync = Database::Sync::kFull, .cache_kib = 100});
    CHECK(single(database, "PRAGMA synchronous") == 2);
    CHECK(single(database, "PRAGMA mmap_size") == 0);
    CHECK(single(database, "PRAGMA cache_size") == -100);
    auto mode = database.prepare("PRAGMA journal_mode");
    REQUIRE(mode->next() == true);
    CHECK(mode->text(0) == "wal");
    REQUIRE(database.execute("CREATE TABLE t(i); INSERT INTO t VALUES(7)"));
  }
  auto database = open_or_die(path, {.sync = Database::Sync::kNormal});
  CHECK(single(database, "PRAGMA synchronous") == 1);
  CHECK(single(database, "SELECT i FROM t") == 7);
}

TEST_CASE("sqlite: read-only reads and refuses to write or create") {
  TemporaryDirectory directory;
  const auto path = directory.file("a.db");
  REQUIRE_FALSE(Database::open(path, {.read_only = true}));
  auto writer = open_or_die(path);
  REQUIRE(writer.execute("CREATE TABLE t(i); INSERT INTO t VALUES(7)"));
  auto reader = open_or_die(path, {.read_only = true});
  CHECK(single(reader, "SELECT i FROM t") == 7);
  CHECK(reader.execute("INSERT INTO t VALUES(8)").error().code() == Errc::kIo);
}

TEST_CASE("sqlite: a directory that is not there is an error that names the file") {
  const auto opened = Database::open("/nowhere/a.db", {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Errc::kIo);
  CHECK(opened.error().what().find("/nowhere/a.db") != std::string::npos);
}

TEST_CASE("sqlite: something else than a database is corrupt") {
  TemporaryDirectory directory;
  const auto path = directory.file("a.db");
  write_text(path, std::string(4'096, 'x'));
  const auto opened = Database::open(path, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Errc::kCorrupt);
}

TEST_CASE("sqlite: a damaged page is corrupt when it is read") {
  TemporaryDirectory directory;
  const auto path = directory.file("a.db");
  {
    auto database = open_or_die(path);
    REQUIRE(
        database.execute("CREATE TABLE t(v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                         "i + 1 FROM n LIMIT 1000) INSERT INTO t SELECT hex(i) || 'padding' "
                         "FROM n"));
  }
  auto content = read_text(path);
  REQUIRE(content.size() > 3 * 4'096);
  content.replace(4'096, content.size() - 4'096, content.size() - 4'096, '\xee');
  write_text(path, content);
  auto database = open_or_die(path);
  auto select = database.prepare("SELECT sum(length(v)) FROM t");
  REQUIRE(select);
  CHECK(select->next().error().code() == Errc::kCorrupt);
}

TEST_CASE("sqlite: a full database is kDiskFull, rolled back, and goes on with room") {
  TemporaryDirectory directory;
  auto database = open_or_die(directory.file("a.db"));
  REQUIRE(database.execute("CREATE TABLE t(v); PRAGMA max_page_count=20"));
  const auto fill = [&] { return database.execute("INSERT INTO t VALUES(zeroblob(1000000))"); };
  CHECK(database.transaction(fill).error().code() == Errc::kDiskFull);
  CHECK(single(database, "SELECT count(*) FROM t") == 0);
  REQUIRE(database.execute("PRAGMA max_page_count=1000"));
  CHECK(database.transaction(fill));
}

TEST_CASE("sqlite: locked by another connection is kUnavailable") {
  TemporaryDirectory directory;
  const auto path = directory.file("a.db");
  auto holder = open_or_die(path);
  auto other = open_or_die(path, {.busy_timeout_ms = 1});
  REQUIRE(holder.execute("CREATE TABLE t(i)"));
  const auto held = holder.transaction([&]() -> Status {
    const auto refused = other.transaction([]() -> Status { return {}; });
    CHECK(refused.error().code() == Errc::kUnavailable);
    return {};
  });
  CHECK(held);
  CHECK(other.transaction([]() -> Status { return {}; }));
}

TEST_CASE("sqlite: a value that SQLite refuses fails the statement, not the process") {
  auto database = open_or_die(":memory:");
  REQUIRE(database.execute("CREATE TABLE t(v)"));
  auto insert = database.prepare("INSERT INTO t VALUES(?1)");
  REQUIRE(insert);
  const Bytes huge(bytes_of("x").data(), std::size_t{2} * 1024 * 1024 * 1024);  // never looked at
  CHECK(insert->bind(1, huge).run().error().code() == Errc::kMessageTooLarge);
  CHECK(insert->bind(1, "small").run());
}

TEST_CASE("sqlite: a statement may outlive its database") {
  auto database = std::make_unique<Database>(open_or_die(":memory:"));
  auto select = database->prepare("SELECT 7");
  REQUIRE(select);
  database.reset();
  REQUIRE(select->next() == true);
  CHECK(select->integer(0) == 7);
}

}  // namespace
}  // namespace xylem
