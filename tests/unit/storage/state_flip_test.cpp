// Every byte of state.db is changed, one at a time: a row that comes back is the row that was put,
// and one that does not come back is an error.
#include "common/loop.h"
#include "storage/state_store.h"
#include "tests/support/files.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage::testing {
namespace {

constexpr int kRows = 60;  // more than a page of them

StateRow row_of(int number) {
  const auto key = std::to_string(1'000 + number);
  const auto text = "value of " + key + std::string(100, 'v');
  const auto value = bytes_of(text);
  return {"offset", key, Buffer(value.begin(), value.end())};
}

std::vector<StateRow> all_rows() {
  std::vector<StateRow> rows;
  for (int i = 0; i < kRows; ++i) rows.push_back(row_of(i));
  return rows;
}

// What a start finds: nullopt: an error somewhere.
std::optional<std::vector<StateRow>> found(const std::string& path) {
  Loop loop;
  auto store = StateStore::open(path, loop);
  if (!store) return std::nullopt;
  std::optional<Result<std::vector<StateRow>>> rows;
  (*store)->scan("offset", [&](auto answer) { rows = std::move(answer); });
  REQUIRE(xylem::testing::run_until(loop, [&] { return rows.has_value(); }));
  if (!*rows) return std::nullopt;
  return std::move(**rows);
}

struct Sum {
  int refused = 0;
  int same = 0;
};

Sum flip_all(const std::string& path, std::string_view suffix, std::size_t step) {
  const auto file = path + std::string(suffix);
  const auto main = read_text(path);
  const auto whole = read_text(file);
  REQUIRE(whole.size() > 4'096);
  Sum sum;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    CAPTURE(at);
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    write_text(path, main);
    for (const std::string_view beside : {"-wal", "-shm"})
      std::filesystem::remove(path + std::string(beside));
    write_text(file, bytes);
    const auto rows = found(path);
    CHECK((!rows || *rows == all_rows()));
    ++(rows ? sum.same : sum.refused);
  }
  return sum;
}

TEST_CASE("state flips: any byte of state.db is found, or makes no difference") {
  const TemporaryDirectory directory(fast_directory());
  const auto path = directory.file("state.db");
  {
    Loop loop;
    auto store = StateStore::open(path, loop);
    REQUIRE(store);
    bool stored = false;
    (*store)->put_all(all_rows(), [&](const Status& done) { stored = done.has_value(); });
    REQUIRE(xylem::testing::run_until(loop, [&] { return stored; }));
  }
  REQUIRE(found(path) == all_rows());
  const auto sum = flip_all(path, "", std::getenv("XYLEM_CRASH_STATES") == nullptr ? 83 : 1);
  CHECK(sum.refused > 50);
  MESSAGE(sum.refused, " refused, ", sum.same, " without a difference");
}

// SQLite takes a frame of the WAL that fails its checksum for the end of what was committed.
TEST_CASE("state flips: a changed byte of the WAL is found, or takes whole commits from the end") {
  const TemporaryDirectory directory(fast_directory());
  const auto path = directory.file("made.db");
  const auto copy = directory.file("state.db");
  std::vector<std::vector<StateRow>> states = {{}};
  {
    Loop loop;
    auto store = StateStore::open(path, loop);
    REQUIRE(store);
    for (int i = 0; i < 4; ++i) {
      bool stored = false;
      (*store)->put_all({row_of(i)}, [&](const Status& done) { stored = done.has_value(); });
      REQUIRE(xylem::testing::run_until(loop, [&] { return stored; }));
      states.push_back(states.back());
      states.back().push_back(row_of(i));
    }
    for (const std::string suffix : {"", "-wal"})
      std::filesystem::copy_file(path + suffix, copy + suffix);
  }
  REQUIRE(found(directory.file("made.db")) == states.back());
  const auto main = read_text(copy);
  const auto wal = read_text(copy + "-wal");
  REQUIRE(wal.size() > 4'096);
  int whole = 0;
  for (std::size_t at = 0; at < wal.size();
       at += std::getenv("XYLEM_CRASH_STATES") == nullptr ? 101 : 1) {
    CAPTURE(at);
    auto bytes = wal;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    std::filesystem::remove(copy + "-shm");
    write_text(copy, main);
    write_text(copy + "-wal", bytes);
    const auto rows = found(copy);
    CHECK((!rows || std::ranges::find(states, *rows) != states.end()));
    if (rows && *rows == states.back()) ++whole;
  }
  CHECK(whole < 200);  // of the salt of older frames and the like
}

TEST_CASE("state flips: in a damaged file what proves itself is served, and nothing else is said") {
  const TemporaryDirectory directory(fast_directory());
  const auto path = directory.file("state.db");
  {
    Loop loop;
    auto store = StateStore::open(path, loop);
    REQUIRE(store);
    bool stored = false;
    (*store)->put_all(all_rows(), [&](const Status& done) { stored = done.has_value(); });
    REQUIRE(xylem::testing::run_until(loop, [&] { return stored; }));
  }
  auto bytes = read_text(path);
  const auto at = bytes.find("offset1030");  // the kind and key of a row
  REQUIRE(at != std::string::npos);
  bytes[at] = 'O';
  write_text(path, bytes);
  Loop loop;
  auto store = StateStore::open(path, loop);
  REQUIRE(store);
  int answers = 0;
  (*store)->get("offset", "1000", [&](auto row) {
    ++answers;
    REQUIRE(row);
    CHECK(*row == row_of(0).value);
  });
  const auto refused = [&](const auto& answer) {
    ++answers;
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == Errc::kCorrupt);
  };
  (*store)->get("offset", "1030", refused);
  (*store)->get("offset", "9999", refused);
  (*store)->scan("offset", refused);
  (*store)->put("offset", "1030", {}, refused);
  (*store)->remove("offset", "1030", refused);
  CHECK(xylem::testing::run_until(loop, [&] { return answers == 6; }));
}

}  // namespace
}  // namespace xylem::storage::testing
