// What compaction is made of: the table of keys, the rewriting of one batch, when a run is due.
#include "common/random.h"
#include "storage/compaction/batch_filter.h"
#include "storage/compaction/compaction_state.h"
#include "storage/compaction/key_offsets.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/keyed_model.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>

namespace xylem::storage::testing {
namespace {

TEST_CASE("key offsets: the highest offset of each key, within its bytes") {
  constexpr std::size_t kBytesMax = 100'000;
  KeyOffsets keys(kBytesMax);
  std::map<std::string, std::int64_t> model;
  Random random(3);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = std::to_string(random.below(5'000));
    const auto offset = static_cast<std::int64_t>(random.below(1'000'000));
    if (!keys.put(bytes_of(key), Offset(offset))) {
      CHECK_FALSE(model.contains(key));  // a key that is known always has its room
      ++refused;
      continue;
    }
    auto& known = model.try_emplace(key, offset).first->second;
    known = std::max(known, offset);
  }
  CHECK(refused > 0);
  CHECK(keys.bytes() <= kBytesMax);
  CHECK(keys.size() == model.size());
  for (int i = 0; i < 5'000; ++i) {
    const auto key = std::to_string(i);
    const auto found = keys.find(bytes_of(key));
    const auto known = model.find(key);
    REQUIRE(found.has_value() == (known != model.end()));
    if (found) CHECK(found->value() == known->second);
  }
}

TEST_CASE("key offsets: an empty key is a key") {
  KeyOffsets keys(0);
  CHECK_FALSE(keys.find({}));
  CHECK(keys.put({}, Offset(0)));
  CHECK(keys.find({}) == Offset(0));
}

TEST_CASE("batch filter: what stays has its offsets, times, headers and producer") {
  BatchBuilder builder(Compression::kZstd);
  for (int i = 0; i < 6; ++i) {
    REQUIRE(builder.add({.key = "k" + std::to_string(i),
                         .value = std::string(100, 'v'),
                         .headers = {{"h", std::to_string(i)}, {"none", std::nullopt}},
                         .timestamp_ms = 1'000 + i}));
  }
  auto batch = *builder.build({.id = 7, .epoch = 3, .sequence = 40});
  assign(batch, Offset(500), Epoch(9));
  const auto odd = [](const RecordView& record) { return record.offset.value() % 2 == 1; };
  const auto fewer = filter_batch(batch, odd);
  CHECK(fewer.result == Filtered::kFewer);
  CHECK(fewer.removed == 3);
  const auto header = check_batch_deeply(fewer.bytes, OffsetHoles::kAllowed);
  REQUIRE(header);
  CHECK(header->base_offset == Offset(500));
  CHECK(header->last_offset_delta == 5);
  CHECK(header->record_count == 3);
  CHECK(header->epoch == Epoch(9));
  CHECK(header->producer_id == 7);
  CHECK(header->producer_epoch == 3);
  CHECK(header->base_sequence == 40);
  CHECK(header->compression() == Compression::kZstd);
  CHECK(header->max_timestamp_ms == 1'005);
  int seen = 0;
  for_each_record(fewer.bytes, [&](const RecordView& record) {
    CHECK(odd(record));
    CHECK(record.timestamp_ms == 1'000 + (record.offset - Offset(500)));
    CHECK(text_of(*record.headers.at(0).value) == std::to_string(record.offset - Offset(500)));
    CHECK_FALSE(record.headers.at(1).value);
    ++seen;
    return true;
  });
  CHECK(seen == 3);

  const auto all = filter_batch(batch, [](const auto&) { return true; });
  CHECK(all.result == Filtered::kUntouched);
  const auto none = filter_batch(batch, [](const auto&) { return false; });
  CHECK(none.result == Filtered::kEmptied);
  CHECK(check_batch(none.bytes)->next_offset() == Offset(506));
  CHECK(check_batch(none.bytes)->base_sequence == 40);
}

TEST_CASE("batch filter: stamped at append, control batches, and what cannot be opened") {
  const auto never = [](const RecordView&) { return false; };
  auto batch = keyed_batch({{"a", "1"}, {"b", "2"}});
  auto header = *check_batch(batch);
  header.attributes = 8;  // the broker's time, in max timestamp
  header.max_timestamp_ms = 77;
  write_batch_header(header, batch);
  const auto fewer =
      filter_batch(batch, [](const RecordView& record) { return text_of(*record.key) == "b"; });
  REQUIRE(fewer.result == Filtered::kFewer);
  CHECK(check_batch(fewer.bytes)->attributes == 8);
  CHECK(check_batch(fewer.bytes)->max_timestamp_ms == 77);

  header.attributes = 0x20;
  write_batch_header(header, batch);
  CHECK(filter_batch(batch, never).result == Filtered::kUntouched);
  header.attributes = 6;
  write_batch_header(header, batch);
  CHECK(filter_batch(batch, never).result == Filtered::kOpaque);
  header.attributes = 0;
  header.record_count = 1;  // and bytes behind it
  write_batch_header(header, batch);
  CHECK(filter_batch(batch, never).result == Filtered::kOpaque);
}

TEST_CASE("compaction state: marks ascend, are few, and never make a tombstone go earlier") {
  CompactionState state;
  for (std::int64_t i = 1; i <= 100; ++i) {
    state.add_mark({Offset(i * 10), i * 1'000});
    REQUIRE(state.marks.size() <= CompactionState::kMarksMax);
    CHECK(state.marks.back() == TombstoneMark{Offset(i * 10), i * 1'000});
    for (std::int64_t now = 0; now <= i * 1'000 + 500; now += 500) {
      const auto horizon = state.horizon_at(now, 400);
      // Everything below it was appended 400 ms before, or longer.
      CHECK(horizon.value() * 100 <= std::max<std::int64_t>(0, now - 400));
    }
  }
  CHECK(state.horizon_at(1'000'000, 400) == Offset(1'000));
  CHECK(state.horizon_at(1'000'000, -1) == Offset(0));
  state.add_mark({Offset(2'000), 5});  // a clock that jumped back
  CHECK(state.marks.back().appended_ms == 100'000);
  const auto marks = state.marks;
  state.add_mark({Offset(2'000), 200'000});
  CHECK(state.marks == marks);
}

TEST_CASE("compaction state: a run is due by the share of bytes that were never compacted") {
  const std::vector<SealedSegment> sealed = {
      {Offset(10), 600}, {Offset(20), 300}, {Offset(30), 100}};
  CHECK(is_dirty(sealed, Offset(0), 100));
  CHECK(is_dirty(sealed, Offset(9), 100));
  CHECK_FALSE(is_dirty(sealed, Offset(10), 50));
  CHECK(is_dirty(sealed, Offset(10), 40));
  CHECK_FALSE(is_dirty(sealed, Offset(30), 0));
  CHECK_FALSE(is_dirty({}, Offset(0), 0));
}

TEST_CASE("compaction: segments that lose nothing are not written again") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto options = compacting();
  const auto log = node.open(options);
  for (int i = 0; i < 200; ++i)
    REQUIRE(log->append(keyed_batch({{std::to_string(i), value_of(i)}}), Epoch(1)));
  node.settle(*log);
  compact(node, *log);
  CHECK(node.metric("xylem_storage_compaction_written_bytes_total") == 0);
  CHECK(node.metric("xylem_storage_compaction_read_bytes_total") > 40'000);
}

TEST_CASE("compaction: neither a removal nor the end waits for the pace of a run") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  node.compaction.bytes_per_s = 1'000;  // an hour for all of it
  auto options = compacting();
  options.segment_bytes_max = 300'000;
  auto log = node.open(options);
  for (int i = 0; i < 300; ++i)
    REQUIRE(log->append(keyed_batch({{"a", std::string(10'000, 'v')}}), Epoch(1)));
  node.settle(*log);
  const auto held = log->read(Offset(0), 20'000, kAll);
  REQUIRE(held);
  const auto file = log->segments().front().path;
  REQUIRE(log->retain());
  SUBCASE("removed") {
    REQUIRE(node.engine->remove(log_name().id));
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK_FALSE(std::filesystem::exists(std::filesystem::path(file).parent_path()));
    CHECK(xylem::testing::run_until(
        node.loop, [&] { return std::filesystem::is_empty(directory.file("data") + "/trash"); }));
    CHECK(check_batch(held->slices.front().bytes));
  }
  SUBCASE("closed") {}
  log.reset();
  node.stop();
  CHECK(runs(node) == 0);
}

}  // namespace
}  // namespace xylem::storage::testing
