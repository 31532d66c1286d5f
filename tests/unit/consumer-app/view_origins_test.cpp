// Which copies the record log can give back, and the file that says so.
#include "consumer-app/view_origins.h"

#include "consumer-app/view_reader.h"
#include "tests/support/delivered_batches.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace xylem::consumer_app {
namespace {

// A view, and what its file of origins says after each group of changes.
struct Kept {
  Kept() { reopen(); }

  void reopen() {
    store.reset();
    auto opened = ViewStore::open(directory.file("view.db"), {disk, path(), ++seed});
    REQUIRE(opened);
    store = std::move(*opened);
  }

  [[nodiscard]] std::string path() const { return directory.file("origins.json"); }

  void apply(const std::vector<Change>& changes) { REQUIRE(store->apply(changes)); }

  Origins origins() {
    auto loaded = load_origins(disk, path());
    REQUIRE(loaded);
    return *loaded;
  }

  TemporaryDirectory directory;
  storage::PosixDisk disk;
  std::uint64_t seed = 0;
  std::unique_ptr<ViewStore> store;
};

ApplyBatches fed(std::int64_t base,
                 int count,
                 bool is_new_in_log,
                 Copy copy = Copy::kCurrent,
                 const Incarnation& incarnation = kFirst) {
  std::vector<KeyValue> records;
  for (int i = 0; i < count; ++i) records.push_back({"k" + std::to_string(i), "v"});
  auto change = apply_of(base, records, copy, incarnation);
  change.is_new_in_log = is_new_in_log;
  return change;
}

TEST_CASE("origins: a copy is there once it is whole, with where its log begins") {
  Kept kept;
  kept.apply({fed(5, 3, true), fed(8, 2, false)});
  CHECK(kept.origins().empty());
  kept.apply({MarkWhole{"t", kFirst}});
  const auto origins = kept.origins();
  REQUIRE(origins.contains("t"));
  const auto& origin = origins.at("t");
  CHECK(origin.incarnation == kFirst);
  CHECK(origin.tag == kept.store->copies().at("t").current->tag);
  REQUIRE(origin.partitions.size() == 1);
  CHECK(origin.partitions.at(PartitionId(0)).begin == Offset(5));
  CHECK(origin.partitions.at(PartitionId(0)).end == Offset(10));
}

TEST_CASE("origins: not when the log held something else before") {
  Kept kept;
  kept.apply({fed(5, 3, false), MarkWhole{"t", kFirst}});
  CHECK(kept.origins().empty());
}

TEST_CASE("origins: a refresh of the same history takes it out before its first record") {
  Kept kept;
  kept.apply({fed(0, 5, true), MarkWhole{"t", kFirst}});
  kept.apply({BeginShadow{"t", 9, kFirst}});
  CHECK(kept.origins().empty());
  SUBCASE("the old copy was told as much: the log has no gap") {
    kept.apply({fed(0, 5, false, Copy::kShadow), SwapIn{"t", {{PartitionId(0), Offset(5)}}}});
    REQUIRE(kept.origins().contains("t"));
    CHECK(kept.origins().at("t").tag == kept.store->copies().at("t").current->tag);
  }
  SUBCASE("the log went on by the refresh alone: it may have one") {
    kept.apply({fed(0, 6, false, Copy::kShadow), SwapIn{"t", {{PartitionId(0), Offset(6)}}}});
    CHECK(kept.origins().empty());
  }
  SUBCASE("all that it brought lies behind what was there") {
    kept.apply({fed(7, 2, true, Copy::kShadow),
                SwapIn{"t", {{PartitionId(0), Offset(9)}, {PartitionId(1), Offset(4)}}}});
    REQUIRE(kept.origins().contains("t"));
    CHECK(kept.origins().at("t").partitions.at(PartitionId(0)).begin == Offset(7));
    CHECK(kept.origins().at("t").partitions.at(PartitionId(1)).begin == Offset(4));
  }
  SUBCASE("given up before it got beyond the old copy") {
    kept.apply({fed(0, 5, false, Copy::kShadow), DiscardShadow{"t"}});
    CHECK(kept.origins().contains("t"));
  }
  SUBCASE("given up after it got beyond the old copy") {
    kept.apply({fed(0, 6, false, Copy::kShadow), DiscardShadow{"t"}});
    CHECK(kept.origins().empty());
    kept.reopen();
    CHECK(kept.origins().empty());
  }
}

TEST_CASE("origins: the old copy stays while one of another history is built") {
  Kept kept;
  kept.apply({fed(0, 5, true), MarkWhole{"t", kFirst}});
  kept.apply({BeginShadow{"t", 0, kSecond}, fed(0, 2, true, Copy::kShadow, kSecond)});
  CHECK(kept.origins().at("t").incarnation == kFirst);
  kept.apply({SwapIn{"t", {{PartitionId(0), Offset(2)}}}});
  CHECK(kept.origins().at("t").incarnation == kSecond);
}

TEST_CASE("origins: kept while the copy is lost, or being made again; not for another one") {
  Kept kept;
  kept.apply({fed(0, 5, true), MarkWhole{"t", kFirst}});
  const auto origin = kept.origins().at("t");
  std::filesystem::remove(kept.directory.file("view.db"));
  kept.reopen();
  CHECK(kept.origins().contains("t"));
  SUBCASE("made again") {
    kept.apply({RestoreCopy{"t", kFirst, origin.tag, {{PartitionId(0), {Offset(), true}}}},
                fed(0, 3, false)});
    CHECK(kept.origins().contains("t"));
    kept.apply({fed(3, 2, false), MarkWhole{"t", kFirst}});
    CHECK(kept.origins().at("t").is_same(origin));
  }
  SUBCASE("filled by the broker") {
    kept.apply({fed(0, 3, false)});
    CHECK(kept.origins().empty());
  }
}

TEST_CASE("origins: a disk that refuses the file refuses the refresh, and nothing else") {
  Kept kept;
  kept.apply({fed(0, 5, true), MarkWhole{"t", kFirst}});
  std::filesystem::remove(kept.path());
  std::filesystem::create_directories(kept.path() + "/in the way");
  const std::vector<Change> refresh = {BeginShadow{"t", 9, kFirst}};
  CHECK_FALSE(kept.store->apply(refresh));
  CHECK_FALSE(kept.store->copies().at("t").shadow);
  kept.apply({fed(5, 1, false)});
  std::filesystem::remove_all(kept.path());
  CHECK(kept.store->apply(refresh));
}

TEST_CASE("origins: every flipped bit and every cut of the file is found") {
  Kept kept;
  kept.apply({fed(0, 5, true), MarkWhole{"t", kFirst}});
  const auto good = read_text(kept.path());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    write_text(kept.path(), bad);
    const auto loaded = load_origins(kept.disk, kept.path());
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kCorrupt);
  }
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    write_text(kept.path(), good.substr(0, bytes));
    CHECK_FALSE(load_origins(kept.disk, kept.path()));
  }
  kept.reopen();
  CHECK(kept.origins().contains("t"));  // the view knows
}

TEST_CASE("view: a file of the version before is read, one of a later version is not") {
  TemporaryDirectory directory;
  storage::PosixDisk disk;
  const auto path = directory.file("view.db");
  const ViewStore::Options options{disk, directory.file("origins.json"), 7};
  {
    auto database = Database::open(path, {});
    REQUIRE(database);
    REQUIRE(database->execute(R"(
CREATE TABLE copies(copy INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL,
  state INTEGER NOT NULL, refresh_id INTEGER NOT NULL, topic_id TEXT NOT NULL,
  generation INTEGER NOT NULL, whole INTEGER NOT NULL, keys INTEGER NOT NULL,
  records INTEGER NOT NULL);
CREATE TABLE cursors(copy INTEGER NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY(copy, partition)) WITHOUT ROWID;
INSERT INTO copies VALUES(1, 't', 0, 0, '00000000000000070000000000000001', 0, 1, 0, 3);
INSERT INTO cursors VALUES(1, 0, 3);)"));
  }
  {
    auto store = ViewStore::open(path, options);
    REQUIRE(store);
    const std::vector<Change> more = {apply_of(3, {{"a", "1"}})};
    REQUIRE((*store)->apply(more));
    CHECK((*store)->copies().at("t").current->records == 4);
  }
  CHECK(load_origins(disk, options.origins_path)->empty());  // nobody knows where its log begins
  REQUIRE(Database::open(path, {})->execute("PRAGMA user_version = 2"));
  const auto later = ViewStore::open(path, options);
  REQUIRE_FALSE(later);
  CHECK(later.error().code() == Errc::kUnsupportedVersion);
}

}  // namespace
}  // namespace xylem::consumer_app
