#include "storage/state_store.h"

#include "common/loop.h"
#include "common/sqlite.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

namespace xylem::storage {
namespace {

Buffer value_of(std::string_view text) {
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

// Opens the store, runs `body` on its loop until `body` says it is finished.
void with_store(const std::string& path,
                const std::function<void(StateStore&, std::function<void()>)>& body) {
  Loop loop;
  auto store = StateStore::open(path, loop);
  REQUIRE(store);
  REQUIRE(loop.post([&] { body(**store, [&] { loop.stop(); }); }));
  loop.run();
  store->reset();
}

TEST_CASE("state store: what was put is there after a restart, removed rows are not") {
  const TemporaryDirectory directory;
  const auto path = directory.file("state.db");
  with_store(path, [](StateStore& store, auto finished) {
    store.put("a", "1", value_of("one"), [](const Status& done) { CHECK(done); });
    store.put("a", "1", value_of("uno"), [](const Status& done) { CHECK(done); });
    store.put_all({{"a", "2", value_of("two")}, {"b", "1", value_of("other")}},
                  [](const Status& done) { CHECK(done); });
    store.remove("a", "2", [finished](const Status& done) {
      CHECK(done);
      finished();
    });
  });
  with_store(path, [](StateStore& store, auto finished) {
    store.get("a", "2", [](auto found) {
      REQUIRE(found);
      CHECK_FALSE(*found);
    });
    store.get("a", "1", [](auto found) {
      REQUIRE(found);
      CHECK(*found == value_of("uno"));
    });
    store.scan("b", [finished](auto rows) {
      REQUIRE(rows);
      CHECK(*rows == std::vector<StateRow>{{"b", "1", value_of("other")}});
      finished();
    });
  });
}

TEST_CASE("state store: a changed row is reported, not served") {
  const TemporaryDirectory directory;
  const auto path = directory.file("state.db");
  with_store(path, [](StateStore& store, auto finished) {
    store.put("a", "1", value_of("one"), [finished](const Status& done) {
      CHECK(done);
      finished();
    });
  });
  const auto change = [&path] {
    auto database = Database::open(path, {});
    REQUIRE(database);
    REQUIRE(database->execute("UPDATE state SET value = x'6f6e66'"));
  };
  with_store(path, [&](StateStore& store, auto finished) {
    change();
    store.get("a", "1", [](auto found) {
      REQUIRE_FALSE(found);
      CHECK(found.error().code() == Errc::kCorrupt);
    });
    store.scan("a", [finished](auto rows) {
      REQUIRE_FALSE(rows);
      CHECK(rows.error().code() == Errc::kCorrupt);
      finished();
    });
  });
}

TEST_CASE("state store: an answer arrives though the loop's inbox is full") {
  const TemporaryDirectory directory;
  const auto path = directory.file("state.db");
  Loop loop;
  auto store = StateStore::open(path, loop);
  REQUIRE(store);
  while (loop.post([] {})) {
  }
  bool answered = false;
  (*store)->put("a", "1", value_of("one"),
                [&](const Status& done) { answered = done.has_value(); });
  (*store)->put("a", "2", value_of("two"), [](const Status&) {});
  auto database = Database::open(path, {.read_only = true});
  REQUIRE(database);
  auto second = database->prepare("SELECT 1 FROM state WHERE key = '2'");
  REQUIRE(second);
  while (!second->next().value_or(false)) std::this_thread::yield();  // then the first is answered
  second->reset();
  CHECK(testing::run_until(loop, [&] { return answered; }));
}

TEST_CASE("state store: a file that is no database is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.file("state.db");
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "wb"),
                                                              std::fclose);
    REQUIRE(out);
    for (int i = 0; i < 1'000; ++i) std::fputs("no database ", out.get());
  }
  Loop loop;
  CHECK_FALSE(StateStore::open(path, loop));
}

}  // namespace
}  // namespace xylem::storage
