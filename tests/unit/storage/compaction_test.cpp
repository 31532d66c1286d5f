// Compaction of whole logs: of each key the last record stays, at its offset, whatever happens.
#include "storage/compaction/compaction_state.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/keyed_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace xylem::storage::testing {
namespace {

constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

// `count` batches of one record of `key` each.
void fill(Node& node, PartitionLog& log, const std::string& key, int count) {
  for (int i = 0; i < count; ++i) add(node, log, keyed_batch({{key, value_of(i)}}));
}

void overwrite(const std::string& path, std::streamoff at, std::string_view text) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << text;
}

void remove_indexes_in(const std::string& directory) {
  std::vector<std::filesystem::path> indexes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const auto extension = entry.path().extension();
    if (extension == ".index" || extension == ".timeindex") indexes.push_back(entry.path());
  }
  for (const auto& path : indexes) std::filesystem::remove(path);
}

TEST_CASE("compaction: of each key the last record stays, where it was; segments are merged") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  add(node, *log, keyed_batch({{"once", "kept"}, {std::nullopt, "no key"}, {"a", "old"}}));
  fill(node, *log, "a", 60);
  const auto before = log->segments();
  REQUIRE(before.size() > 5);
  reopen(node, log, compacting());
  compact(node, *log);

  const auto after = log->segments();
  CHECK(after.size() == 2);  // one, and the active one
  CHECK(log->bytes() < 2 * 1'500);
  const auto records = all_of(*log);
  CHECK(records.front() == KeyedRecord{Offset(0), "once", "kept"});
  CHECK(records[1] == KeyedRecord{Offset(1), std::nullopt, "no key"});
  CHECK(view_of(records).at("a") == std::pair(Offset(62), value_of(59)));
  CHECK(log->end_offset() == Offset(63));
  CHECK(log->lost().empty());
  CHECK(log->health());
  CHECK(log->compaction().compacted_below == before.back().base_offset);
  CHECK(log->compaction().tombstone_horizon == Offset(0));
  CHECK(node.metric("xylem_storage_compaction_removed_records_total") > 50);
  for (std::size_t i = 1; i + 1 < before.size(); ++i)
    CHECK_FALSE(std::filesystem::exists(before[i].path));
  reopen(node, log, compacting());
  CHECK(all_of(*log) == records);
  CHECK(log->lost().empty());
  CHECK(log->compaction().compacted_below == before.back().base_offset);
}

TEST_CASE("compaction: what loses nothing is copied byte for byte, whatever its codec") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  const std::vector<Compression> codecs = {Compression::kGzip, Compression::kSnappy,
                                           Compression::kLz4, Compression::kZstd,
                                           Compression::kNone};
  std::vector<Buffer> whole;
  for (const auto codec : codecs) {
    const auto name = std::string(to_string(codec));
    whole.push_back(keyed_batch({{name + "1", value_of(1)}, {name + "2", value_of(2)}}, codec));
    add(node, *log, whole.back());
    add(node, *log, keyed_batch({{name + "3", value_of(3)}, {"x", value_of(4)}}, codec));
  }
  fill(node, *log, "x", 20);
  reopen(node, log, compacting());
  compact(node, *log);
  CHECK(node.metric("xylem_storage_compaction_removed_records_total") > 5);
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    const Offset base(static_cast<std::int64_t>(i) * 4);
    const auto read = log->read(base, 1, kAll);
    REQUIRE(read);
    CHECK(bytes_in(*read) == placed(whole[i], base, Epoch(1)));
    const auto next = log->read(base + 2, 1, kAll);
    REQUIRE(next);
    const auto header = check_batch(next->slices.front().bytes);
    REQUIRE(header);
    CHECK(header->base_offset == base + 2);
    CHECK(header->next_offset() == base + 4);
    CHECK(header->record_count == 1);
    CHECK(header->compression() == codecs[i]);
  }
}

TEST_CASE("compaction: an unknown codec is left alone, and with it the tombstones behind it") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto options = compacting();
  options.tombstone_retention_ms = 0;
  auto log = node.open(options);
  auto strange = keyed_batch({{"a", "in there"}});
  auto header = *check_batch(strange);
  header.attributes = 5;
  write_batch_header(header, strange);
  add(node, *log, strange);
  add(node, *log, keyed_batch({{"a", std::nullopt}}));
  fill(node, *log, "x", 20);
  reopen(node, log, options);
  compact(node, *log);
  compact(node, *log);
  CHECK(log->compaction().tombstone_horizon == Offset(2));
  const auto read = log->read(Offset(0), 1, kAll);
  REQUIRE(read);
  CHECK(bytes_in(*read) == placed(strange, Offset(0), Epoch(1)));
  const auto second = log->read(Offset(1), 1, kAll);
  REQUIRE(second);
  CHECK(check_batch(bytes_in(*second))->record_count == 1);
}

TEST_CASE(
    "compaction: tombstones stay for their time; then the horizon moves, durably, and first") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  node.clock.advance_ms(100 * kDayMs);
  const auto options = compacting();
  auto log = node.open(options);
  add(node, *log, keyed_batch({{"gone", "value"}, {"stays", "value"}}));
  // A producer's clock decides nothing.
  add(node, *log, keyed_batch({{"gone", std::nullopt}}, Compression::kNone, 1));
  fill(node, *log, "x", 20);
  reopen(node, log, options);
  compact(node, *log);
  const auto tombstone = KeyedRecord{Offset(2), "gone", std::nullopt};
  CHECK(std::ranges::count(all_of(*log), tombstone) == 1);
  CHECK(std::ranges::count(all_of(*log), KeyedRecord{Offset(0), "gone", "value"}) == 0);
  CHECK(log->compaction().tombstone_horizon == Offset(0));

  for (int day = 0; day < 6; ++day) {  // the clock is believed because both of them move
    node.clock.advance_ms(kDayMs);
    REQUIRE(log->retain());
  }
  reopen(node, log, options);
  REQUIRE(log->retain());
  CHECK(runs(node) == 1);
  CHECK(std::ranges::count(all_of(*log), tombstone) == 1);
  node.clock.advance_ms(kDayMs + 1);
  compact(node, *log);
  CHECK(log->compaction().tombstone_horizon == Offset(3));
  CHECK(std::ranges::count(all_of(*log), tombstone) == 0);
  CHECK(view_of(all_of(*log)).contains("stays"));
  reopen(node, log, options);
  CHECK(log->compaction().tombstone_horizon == Offset(3));
  REQUIRE(log->retain());
  CHECK(runs(node) == 2);
}

TEST_CASE("compaction: what may still be cut back deletes nothing") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  add(node, *log, keyed_batch({{"a", "committed"}}));
  fill(node, *log, "x", 20);
  const auto committed = log->end_offset();
  fill(node, *log, "a", 40);  // not committed
  log->set_final_below(committed);
  compact(node, *log);
  CHECK(log->compaction().compacted_below <= committed);
  REQUIRE(log->cut_back(committed));
  CHECK(view_of(all_of(*log)).at("a") == std::pair(Offset(0), std::string("committed")));
}

TEST_CASE("compaction: more keys than the table holds take several passes") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  node.compaction.key_bytes_max = 16 * 24;  // twelve keys
  auto log = node.open(compacting());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; i += 2) {
      add(node, *log,
          keyed_batch({{"k" + std::to_string(i), value_of(round)},
                       {"k" + std::to_string(i + 1), value_of(round)}}));
    }
  }
  const auto before = all_of(*log);
  REQUIRE(log->retain());
  const auto sealed_end = log->segments().back().base_offset;
  REQUIRE(xylem::testing::run_until(
      node.loop, [&] { return log->compaction().compacted_below == sealed_end; }));
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return runs(node) > 5; }));
  reopen(node, log, compacting());
  const auto after = all_of(*log);
  CHECK(view_of(after) == view_of(before));
  CHECK(is_selection(after, before));
}

TEST_CASE("compaction: epochs survive the batches that began them, also without index files") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  for (int epoch = 1; epoch <= 4; ++epoch) {
    for (int i = 0; i < 10; ++i) add(node, *log, keyed_batch({{"a", value_of(i)}}), Epoch(epoch));
  }
  const auto before = log->epochs();
  REQUIRE(before.size() == 4);
  for (int round = 0; round < 2; ++round) {
    compact(node, *log);
    node.stop();
    remove_indexes_in(directory.file("data"));
    log = node.open(compacting());
    const auto after = log->epochs();
    REQUIRE(after.size() == before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      CHECK(after[i].epoch == before[i].epoch);
      CHECK(after[i].start == before[i].start);
    }
    CHECK(log->lost().empty());
    for (int i = 0; i < 20; ++i) add(node, *log, keyed_batch({{"b", value_of(i)}}), Epoch(4));
  }
}

TEST_CASE("compaction: while somebody holds it nothing starts") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  const auto log = node.open(compacting());
  fill(node, *log, "a", 30);
  const auto segments = log->segments().size();
  auto first = log->pause_compaction();
  auto second = log->pause_compaction();
  REQUIRE(log->retain());
  first.reset();
  REQUIRE(log->retain());
  CHECK(log->segments().size() == segments);
  second.reset();
  compact(node, *log);
  CHECK(log->segments().size() < segments);
}

// A log that has lost its third segment.
std::shared_ptr<PartitionLog> open_damaged(Node& node) {
  auto log = node.open(compacting());
  fill(node, *log, "a", 30);
  const auto damaged = log->segments().at(2);
  node.stop();
  overwrite(damaged.path, 100, "damage");
  std::filesystem::remove(std::filesystem::path(damaged.path).replace_extension(".index"));
  return node.open(compacting());
}

TEST_CASE("compaction: lost offsets stay visible as lost") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = open_damaged(node);
  const auto lost = log->lost();
  REQUIRE(lost.size() == 1);
  compact(node, *log);
  REQUIRE(log->lost().size() == 1);
  CHECK(log->lost().front().from == lost.front().from);
  CHECK(log->lost().front().to == lost.front().to);
  reopen(node, log, compacting());
  CHECK(log->lost().size() == 1);
}

TEST_CASE("compaction: a lost range that turned out to be empty stays closed") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = open_damaged(node);
  const auto range = log->to_fill();
  REQUIRE(range);
  REQUIRE(log->fill({}, range->to));
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return log->lost().empty(); }));
  compact(node, *log);
  CHECK(log->lost().empty());
  reopen(node, log, compacting());
  CHECK(log->lost().empty());
}

TEST_CASE("compaction: what comes back is to be cleaned, and what deletes it stays") {
  CompactionState state;
  state.cleaned_to = Offset(300);
  state.marks = {{Offset(40), 1}, {Offset(151), 2}};
  state.come_back(Offset(50));
  CHECK(state.cleaned_to == Offset(50));
  REQUIRE(state.marks.size() == 1);
  CHECK(state.marks.front().below == Offset(40));
}

TEST_CASE("compaction: damage it finds is set aside, and the next run goes on") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  fill(node, *log, "a", 30);
  const auto damaged = log->segments().at(2);
  node.stop();
  overwrite(damaged.path, 100, "damage");
  log = node.open(compacting());
  REQUIRE(log->lost().empty());  // nobody has looked yet
  REQUIRE(log->retain());
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return !log->lost().empty(); }));
  node.clock.advance_ms(61'000);
  compact(node, *log);
  CHECK(view_of(all_of(*log)).at("a").first == Offset(29));
}

}  // namespace
}  // namespace xylem::storage::testing
