#include "consumer-app/view_store.h"

#include "common/random.h"
#include "consumer-app/view_reader.h"
#include "tests/support/delivered_batches.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace xylem::consumer_app {
namespace {

class TempDir {
 public:
  TempDir()
      : path_(std::filesystem::temp_directory_path() /
              ("xylem-view-" + std::to_string(system_seed()))) {
    std::filesystem::create_directories(path_);
  }

  ~TempDir() { std::filesystem::remove_all(path_); }

  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string view() const { return path_ / "view.db"; }

  [[nodiscard]] ViewStore::Options options() const { return {disk_, path_ / "origins.json", 7}; }

 private:
  mutable storage::PosixDisk disk_;
  std::filesystem::path path_;
};

std::unique_ptr<ViewStore> open_store(const TempDir& dir) {
  auto store = ViewStore::open(dir.view(), dir.options());
  REQUIRE(store);
  return std::move(*store);
}

std::unique_ptr<ViewReader> open_reader(const TempDir& dir) {
  auto reader = ViewReader::open(dir.view());
  REQUIRE(reader);
  return std::move(*reader);
}

void apply(ViewStore& store, std::vector<Change> changes) { REQUIRE(store.apply(changes)); }

std::string value_of(ViewReader& reader, std::string_view key) {
  const auto entry = reader.find("t", key);
  if (!entry) return std::string(to_string(entry.error().code()));
  return entry->value;
}

const CopyState& current_of(const Copies& copies) { return *copies.at("t").current; }

TEST_CASE("view: the last value of a key, where it came from, and none after a tombstone") {
  const TempDir dir;
  auto store = open_store(dir);
  auto reader = open_reader(dir);
  apply(*store, {apply_of(0, {{"a", "1"}, {"b", "2"}, {"a", "3"}, {"", ""}})});
  CHECK(value_of(*reader, "b") == "2");
  const auto entry = reader->find("t", "a");
  REQUIRE(entry);
  CHECK(entry->value == "3");
  CHECK(entry->offset == Offset(2));
  CHECK(entry->epoch == Epoch(3));
  CHECK(entry->timestamp_ms == 1'002);
  CHECK(entry->headers == "{}");
  CHECK(value_of(*reader, "").empty());
  CHECK(value_of(*reader, "zz") == "NOT_FOUND");
  CHECK_FALSE(reader->find("other", "a"));

  apply(*store, {apply_of(4, {{"a", std::nullopt}, {"never", std::nullopt}, {std::nullopt, "x"}})});
  CHECK(value_of(*reader, "a") == "NOT_FOUND");
  const auto& copy = current_of(store->copies());
  CHECK(copy.keys == 2);
  CHECK(copy.records == 7);
  CHECK(copy.cursors == Cursors{{PartitionId(0), Offset(7)}});
}

TEST_CASE("view: what compaction left is applied, holes and batches without records too") {
  const TempDir dir;
  auto store = open_store(dir);
  auto change = apply_of(0, {{"x", "y"}});
  auto batches = emptied(*check_batch(make_batch(0, {{"gone", "1"}, {"gone", "2"}})));
  append(make_batch(7, {{"a", "1"}}), batches);
  append(emptied(*check_batch(make_batch(20, {{"gone", "3"}}))), batches);
  change.batches = Slice::own(std::move(batches));
  apply(*store, {change});
  auto reader = open_reader(dir);
  CHECK(reader->find("t", "a")->offset == Offset(7));
  CHECK(value_of(*reader, "gone") == "NOT_FOUND");
  CHECK(current_of(store->copies()).cursors.at(PartitionId(0)) == Offset(21));
}

TEST_CASE("view: headers are kept, binary values too") {
  const TempDir dir;
  auto store = open_store(dir);
  BatchBuilder builder;
  REQUIRE(builder.add({.key = "k", .value = std::string("\0\xFF", 2), .headers = {{"h", "v"}}}));
  auto change = apply_of(0, {{"x", "y"}});
  change.batches = Slice::own(*builder.build());
  apply(*store, {change});
  const auto entry = open_reader(dir)->find("t", "k");
  REQUIRE(entry);
  CHECK(entry->headers == R"({"h":"v"})");
  CHECK(entry->value == std::string("\0\xFF", 2));
}

TEST_CASE("view: records and cursor survive together, and what came before is skipped") {
  const TempDir dir;
  {
    auto store = open_store(dir);
    apply(*store, {apply_of(0, {{"a", "1"}}), apply_of(1, {{"b", "1"}})});
  }
  auto store = open_store(dir);
  CHECK(current_of(store->copies()).cursors.at(PartitionId(0)) == Offset(2));
  CHECK(current_of(store->copies()).incarnation == kFirst);
  // The same again (another value would be a broker's lie, and shows that it is skipped), and more.
  apply(*store, {apply_of(0, {{"a", "skipped"}, {"b", "skipped"}, {"c", "1"}})});
  auto reader = open_reader(dir);
  CHECK(value_of(*reader, "a") == "1");
  CHECK(value_of(*reader, "c") == "1");
  CHECK(current_of(store->copies()).keys == 3);
  CHECK(current_of(store->copies()).records == 3);
}

TEST_CASE("view: a group that fails leaves neither its records nor its cursor") {
  const TempDir dir;
  auto store = open_store(dir);
  apply(*store, {apply_of(0, {{"a", "1"}})});
  auto bad = apply_of(2, {{"c", "1"}});
  bad.batches = Slice::own(Buffer(100, std::byte{0x41}));
  const std::vector<Change> group = {apply_of(1, {{"b", "1"}, {"a", "2"}}), bad};
  const auto applied = store->apply(group);
  REQUIRE_FALSE(applied);
  CHECK(applied.error().code() == Errc::kCorrupt);
  auto reader = open_reader(dir);
  CHECK(value_of(*reader, "a") == "1");
  CHECK(value_of(*reader, "b") == "NOT_FOUND");
  CHECK(current_of(store->copies()).cursors.at(PartitionId(0)) == Offset(1));
  apply(*store, {group.front()});
  CHECK(value_of(*reader, "b") == "1");
}

TEST_CASE("view: a shadow is not seen until it is swapped in; the old copy goes in steps") {
  const TempDir dir;
  auto store = open_store(dir);
  auto reader = open_reader(dir);
  apply(*store, {apply_of(0, {{"a", "1"}, {"gone", "1"}})});
  apply(*store,
        {BeginShadow{"t", 9, kSecond}, apply_of(0, {{"a", "new"}}, Copy::kShadow, kSecond)});
  CHECK(value_of(*reader, "a") == "1");
  apply(*store, {SwapIn{"t", {{PartitionId(0), Offset(1)}, {PartitionId(1), Offset(4)}}}});
  CHECK(value_of(*reader, "a") == "new");
  CHECK(value_of(*reader, "gone") == "NOT_FOUND");
  const auto copies = reader->copies();
  REQUIRE(copies);
  const auto& current = current_of(*copies);
  CHECK(current.refresh_id == 9);
  CHECK(current.incarnation == kSecond);
  CHECK(current.whole);
  CHECK(current.cursors == Cursors{{PartitionId(0), Offset(1)}, {PartitionId(1), Offset(4)}});
  CHECK_FALSE(copies->at("t").shadow);

  int steps = 0;
  while (*store->drop_some(1)) ++steps;
  CHECK(steps == 3);  // two entries, then the copy itself
  CHECK(value_of(*reader, "a") == "new");
}

TEST_CASE("view: a shadow survives a restart, is replaced by a newer one, and can be discarded") {
  const TempDir dir;
  {
    auto store = open_store(dir);
    apply(*store, {apply_of(0, {{"a", "1"}}), BeginShadow{"t", 9, kFirst},
                   apply_of(0, {{"a", "old shadow"}}, Copy::kShadow)});
  }
  auto store = open_store(dir);
  REQUIRE(store->copies().at("t").shadow);
  CHECK(store->copies().at("t").shadow->refresh_id == 9);
  CHECK(store->copies().at("t").shadow->cursors.at(PartitionId(0)) == Offset(1));
  apply(*store, {BeginShadow{"t", 10, kFirst}});
  CHECK(store->copies().at("t").shadow->cursors.empty());
  apply(*store,
        {DiscardShadow{"t"}, DiscardShadow{"t"}, apply_of(0, {{"a", "late"}}, Copy::kShadow)});
  CHECK_FALSE(store->copies().at("t").shadow);
  CHECK(value_of(*open_reader(dir), "a") == "1");
}

TEST_CASE("view: an empty topic can be whole") {
  const TempDir dir;
  auto store = open_store(dir);
  apply(*store, {MarkWhole{"t", kFirst}});
  const auto copies = open_reader(dir)->copies();
  REQUIRE(copies);
  CHECK(current_of(*copies).whole);
  CHECK(current_of(*copies).incarnation == kFirst);
}

TEST_CASE("view: keys by prefix, page by page, in the order of their bytes") {
  const TempDir dir;
  auto store = open_store(dir);
  apply(*store, {apply_of(0, {{"a/1", "v"},
                              {"a/2", "v"},
                              {"a0", "v"},
                              {"\xFF\xFF", "v"},
                              {"\xFF", "v"},
                              {"", "v"},
                              {"a/", "v"}})});
  auto reader = open_reader(dir);
  using Keys = std::vector<std::string>;
  CHECK(*reader->keys("t", {.limit = 10}) ==
        Keys{"", "a/", "a/1", "a/2", "a0", "\xFF", "\xFF\xFF"});
  CHECK(*reader->keys("t", {.prefix = "a/", .limit = 10}) == Keys{"a/", "a/1", "a/2"});
  CHECK(*reader->keys("t", {.prefix = "a/", .after = "a/", .limit = 1}) == Keys{"a/1"});
  CHECK(reader->keys("t", {.prefix = "a/", .after = "a/2", .limit = 1})->empty());
  CHECK(*reader->keys("t", {.prefix = "\xFF", .limit = 10}) == Keys{"\xFF", "\xFF\xFF"});
  CHECK(*reader->keys("t", {.prefix = "a", .after = "A", .limit = 1}) == Keys{"a/"});
  CHECK(*reader->keys("t", {.after = "", .limit = 1}) == Keys{"a/"});
  CHECK(reader->keys("other", {.limit = 10})->empty());
}

// While copies are built and swapped, a reader that looks again and again must always find a whole
// copy: every key of it, all with the same value.
TEST_CASE("view: readers see the whole old copy or the whole new one") {
  constexpr int kSwaps = 20;
  constexpr int kKeys = 50;
  const TempDir dir;
  auto store = open_store(dir);
  const auto all_with = [](const std::string& value) {
    std::vector<KeyValue> records;
    for (int key = 0; key < kKeys; ++key) records.push_back({"k" + std::to_string(key), value});
    return records;
  };
  apply(*store, {apply_of(0, all_with("0")), MarkWhole{"t", kFirst}});
  std::atomic<bool> done = false;
  std::atomic<int> looks = 0;
  int faults = 0;
  std::thread watcher([&] {
    auto reader = ViewReader::open(dir.view());
    while (reader && !done) {
      const auto keys = (*reader)->keys("t", {.limit = 2 * kKeys});
      const auto copies = (*reader)->copies();
      if (!keys || keys->size() != kKeys) ++faults;
      if (!copies || current_of(*copies).keys != kKeys) ++faults;
      const auto entry = (*reader)->find("t", "k7");
      if (!entry) ++faults;
      ++looks;
    }
  });
  for (int swap = 1; swap <= kSwaps; ++swap) {
    const auto id = static_cast<std::uint64_t>(swap);
    apply(*store, {BeginShadow{"t", id, kFirst}});
    for (const auto& record : all_with(std::to_string(swap)))
      apply(*store, {apply_of(std::stoi(record.key->substr(1)), {record}, Copy::kShadow)});
    apply(*store, {SwapIn{"t", {}}});
    REQUIRE(store->drop_some(10));
    for (const int seen = looks; looks == seen;) std::this_thread::yield();
  }
  done = true;
  watcher.join();
  CHECK(faults == 0);
  CHECK(value_of(*open_reader(dir), "k7") == std::to_string(kSwaps));
}

TEST_CASE("view: a file that is no view is refused") {
  const TempDir dir;
  CHECK_FALSE(ViewStore::open(dir.view() + "/no/such/directory", dir.options()));
  CHECK_FALSE(ViewReader::open(dir.view()));
}

}  // namespace
}  // namespace xylem::consumer_app
