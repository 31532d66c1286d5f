// Readers beside a writer, retention, lookups by time, and what the engine itself promises.
#include "common/random.h"
#include "common/sqlite.h"
#include "storage/inspect/log_inspect.h"
#include "storage/log_view.h"
#include "storage/partition_log.h"
#include "storage/retention.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"
#include "tests/unit/storage/support/log_model.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace xylem::storage::testing {
namespace {

LogOptions small_segments() {
  LogOptions options;
  options.segment_bytes_max = 20'000;
  options.flush = Flush::kNever;
  return options;
}

TEST_CASE("log view: who still reads a picture sees nothing of what replaced its unwritten end") {
  LogView view;
  view.restart(Offset(0), {Offset(5), Offset(5)}, {}, {});
  const auto before = view.load();
  view.replace_unwritten({});
  view.load()->ends->written = Offset(9);
  CHECK(before->written() == Offset(5));
  CHECK(view.load()->written() == Offset(9));
}

TEST_CASE(
    "log: by time, the first record that is late enough is found, in whatever order they are") {
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(seed);
      TemporaryDirectory directory(fast_directory());
      Node node(type, directory.file("data"));
      auto options = small_segments();
      options.segment_bytes_max = 2'000;
      const auto log = node.open(options);
      Random random(seed);
      LogModel model;
      std::int64_t time = 1'000'000;
      for (int i = 0; i < 300; ++i) {
        time += static_cast<std::int64_t>(random.below(2'000)) - 900;
        if (random.below(50) == 0) time -= 20'000;  // a producer with another clock
        const auto batch = batch_of(1 + static_cast<int>(random.below(3)), random.below(200), time);
        const auto base = log->append(batch, Epoch(1));
        REQUIRE(base);
        model.add(placed(batch, *base, Epoch(1)));
        if (random.below(60) == 0) {
          node.settle(*log);
          const auto start = model.start + static_cast<std::int64_t>(random.below(60));
          REQUIRE(log->drop_before(std::min(start, model.end)));
          model.drop_before(std::min(start, model.end));
        }
      }
      node.settle(*log);
      for (int i = 0; i < 200; ++i) {
        const auto wanted = 900'000 + static_cast<std::int64_t>(random.below(300'000));
        CHECK(log->offset_for_time(wanted) == model.offset_for_time(wanted));
        const Offset below(
            static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(model.end.value()))));
        const auto last = log->last_batch_below(below);
        REQUIRE(last);
        const auto expected = model.last_below(below);
        if (expected) CHECK((*last && (*last)->base_offset == *expected));
      }
    }
  }
}

// Reads from the start to `until` and checks each batch: its CRC, and that it follows the last one.
void follow(const PartitionLog& log, Offset until, std::size_t bytes_max, std::atomic<int>& bad) {
  for (Offset cursor; cursor < until;) {
    const auto read = log.read(cursor, bytes_max, kAll);
    if (!read) {
      ++bad;
      return;
    }
    if (read->bytes == 0) {
      std::this_thread::yield();
      continue;
    }
    for (const auto& slice : read->slices) {
      for (auto left = slice.bytes; !left.empty();) {
        const auto batch = check_batch(left);
        if (!batch || batch->base_offset != cursor) {
          ++bad;
          return;
        }
        cursor = batch->next_offset();
        left = left.subspan(batch->bytes);
      }
    }
  }
}

TEST_CASE("log: an append gives offsets to a copy, and leaves the batch it was given") {
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    const TemporaryDirectory directory(fast_directory());
    Node node(type, directory.file("data"));
    const auto log = node.open(small_segments());
    const auto batch = batch_of(2, 100);
    const auto before = batch;
    CHECK(log->append(batch, Epoch(3)).value() == Offset(0));
    CHECK(log->append(batch, Epoch(3)).value() == Offset(2));
    CHECK(batch == before);
    node.settle(*log);
    std::atomic<int> bad{0};
    follow(*log, Offset(4), 1'000'000, bad);
    CHECK(bad == 0);
    CHECK(log->epochs().back().epoch == Epoch(3));
  }
}

TEST_CASE("log: what one turn of the loop appends is one round of the committer") {
  const TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  const auto log = node.open(small_segments());
  node.settle(*log);
  const auto before = node.metric("xylem_storage_commit_rounds_total");
  for (int i = 0; i < 100; ++i) REQUIRE(log->append(batch_of(2, 100), Epoch(0)));
  node.settle(*log);
  CHECK(node.metric("xylem_storage_commit_rounds_total") == before + 1);
}

TEST_CASE("log: any number of readers follow a writer without a gap") {
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    constexpr int kBatches = 1'500;
    const TemporaryDirectory directory(fast_directory());
    Node node(type, directory.file("data"));
    const auto log = node.open(small_segments());
    std::atomic<int> bad{0};
    std::vector<std::thread> readers;
    for (const std::size_t bytes_max : {1UL, 3'000UL, 200'000UL}) {
      readers.emplace_back([&, bytes_max] { follow(*log, Offset(2L * kBatches), bytes_max, bad); });
    }
    for (int i = 0; i < kBatches; ++i) {
      REQUIRE(log->append(batch_of(2, 100), Epoch(0)));
      if (i % 100 == 0) xylem::testing::run_for(node.loop, 2);
    }
    node.settle(*log);
    for (auto& reader : readers) reader.join();
    CHECK(bad == 0);
    CHECK(log->segments().size() > 3);
  }
}

TEST_CASE("log: slices outlive a cut back, a removal and the engine") {
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    const TemporaryDirectory directory(fast_directory());
    Node node(type, directory.file("data"));
    auto log = node.open(small_segments());
    Buffer all;
    for (int i = 0; i < 20; ++i) {
      const auto batch = batch_of(2, 1'500);
      auto base = log->append(batch, Epoch(0));
      REQUIRE(base);
      append(placed(batch, *base, Epoch(0)), all);
      node.settle(*log);
    }
    const auto held = log->read(Offset(0), 1'000'000, kAll);
    REQUIRE(held);
    REQUIRE(log->cut_back(Offset(7)));
    CHECK(log->end_offset() == Offset(8));
    REQUIRE(node.engine->remove(log_name().id));
    CHECK(node.engine->logs().empty());
    log.reset();
    node.stop();
    CHECK(bytes_in(*held) == all);
  }
}

TEST_CASE("log: retention drops old segments, a quarter a pass, never the active one") {
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    const TemporaryDirectory directory(fast_directory());
    Node node(type, directory.file("data"));
    auto options = small_segments();
    options.retention_bytes = 30'000;
    const auto log = node.open(options);
    for (int i = 0; i < 60; ++i) REQUIRE(log->append(batch_of(2, 1'500), Epoch(0)));
    node.settle(*log);
    auto before = log->segments().size();
    REQUIRE(before > 6);
    log->set_final_below(Offset(1));
    REQUIRE(log->retain());
    CHECK(log->segments().size() == before);
    log->set_final_below(log->end_offset());
    for (int pass = 0; pass < 40; ++pass) {
      REQUIRE(log->retain());
      const auto after = log->segments().size();
      CHECK(before - after <= std::max<std::size_t>(1, before / 4));
      before = after;
    }
    CHECK(log->bytes() >= 30'000);
    CHECK(log->bytes() < 60'000);
    CHECK(log->start_offset() == log->segments().front().base_offset);
    const auto gone = log->read(Offset(0), 1'000, kAll);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code() == Errc::kOffsetOutOfRange);
    CHECK(log->read(log->start_offset(), 1'000, kAll)->bytes > 0);
  }
}

TEST_CASE("retention: neither a future timestamp nor a jump of the clock decides") {
  const std::vector<SegmentAge> ages = {{100, 5'000'000'000'000, 1'000},
                                        {100, -1, 2'000},
                                        {100, 500, 3'000},  // older than its forerunners: clamped
                                        {100, 9'000, 9'000},
                                        {100, 9'000, 9'000}};
  const auto count = [&](std::int64_t now, std::int64_t ms) {
    return expired_segments(ages, {-1, ms}, now);
  };
  CHECK(count(1'100, 200) == 0);
  CHECK(count(1'300, 200) == 1);  // by its append time, whatever the record says
  CHECK(count(9'999, 100) == 1);  // a quarter a pass
  CHECK(expired_segments(ages, {-1, 0}, std::nullopt) == 0);
  CHECK(expired_segments({ages.data(), 1}, {0, 0}, 99'999) == 0);  // the active one stays

  ManualClock clock;
  TrustedClock trusted(clock);
  CHECK(trusted.now_ms() == clock.wall_ms());
  clock.jump_wall_ms(86'400'000);
  CHECK_FALSE(trusted.now_ms());
  clock.advance_ms(TrustedClock::kSettleMs - 1);
  CHECK_FALSE(trusted.now_ms());
  clock.advance_ms(1);
  CHECK(trusted.now_ms() == clock.wall_ms());
}

TEST_CASE("log: epochs say where each leadership began, also after a restart") {
  const TemporaryDirectory directory(fast_directory());
  const auto expect = [](const PartitionLog& log) {
    const auto epochs = log.epochs();
    REQUIRE(epochs.size() == 2);
    CHECK(epochs[0].epoch == Epoch(2));
    CHECK(epochs[0].start == Offset(0));
    CHECK(epochs[1].epoch == Epoch(5));
    CHECK(epochs[1].start == Offset(6));
  };
  {
    Node node("mmap", directory.file("data"));
    const auto log = node.open();
    for (const int epoch : {2, 2, 2, 5}) REQUIRE(log->append(batch_of(2), Epoch(epoch)));
    CHECK(log->append(batch_of(1), Epoch(4)).error().code() == Errc::kInvalidRequest);
    node.settle(*log);
    expect(*log);
  }
  Node node("mmap", directory.file("data"));
  const auto log = node.open();
  expect(*log);
  REQUIRE(log->cut_back(Offset(6)));
  CHECK(log->epochs().size() == 1);
}

TEST_CASE(
    "log: flush=interval syncs by the committer's clock, flush=never leaves it to the system") {
  const TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto options = small_segments();
  options.flush = Flush::kInterval;
  const auto log = node.open(options);
  int told = 0;
  log->set_listener([&] { ++told; });
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return told == 1; }));
  CHECK(log->written_end() == Offset(2));
  CHECK(log->durable_end() == Offset(0));
  node.clock.advance_ms(50);
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return told == 2; }));
  CHECK(log->synced_end() == Offset(2));
  CHECK(log->durable_end() == Offset(2));

  options.flush = Flush::kNever;
  log->set_options(options);
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  REQUIRE(xylem::testing::run_until(node.loop, [&] { return told == 3; }));
  CHECK(log->durable_end() == Offset(4));
  CHECK(log->synced_end() == Offset(2));
}

TEST_CASE("log: a stricter flush policy also syncs what is written already") {
  const TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto options = small_segments();
  const auto log = node.open(options);
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  node.settle(*log);
  CHECK(log->synced_end() == Offset(0));
  options.flush = Flush::kAlways;
  log->set_options(options);
  CHECK(xylem::testing::run_until(node.loop, [&] { return log->synced_end() == Offset(2); }));
}

TEST_CASE("log: flush=never: what a drop writes on its way is told like everything else") {
  const TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  const auto log = node.open(small_segments());
  Offset told;
  log->set_listener([&] { told = log->durable_end(); });
  for (int i = 0; i < 200; ++i) {  // most times the committer has not been there yet
    REQUIRE(log->append(batch_of(3), Epoch(0)));
    const auto end = log->end_offset();
    REQUIRE(log->drop_before(end + -1));
    REQUIRE(xylem::testing::run_until(node.loop, [&] { return told == end; }));
  }
}

TEST_CASE(
    "engine: a data directory has one process, idle logs have no files, logs are found again") {
  const TemporaryDirectory directory(fast_directory());
  const auto data = directory.file("data");
  {
    Node node("mmap", data);
    auto log = node.open();
    CHECK(std::filesystem::is_empty(data + "/logs"));
    CHECK(log->read(Offset(0), 10, kAll)->bytes == 0);
    Node second("mmap", data);
    const auto refused = second.try_open({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kAlreadyExists);
    REQUIRE(log->append(batch_of(1), Epoch(0)));
    node.settle(*log);
  }
  Node node("mmap", data);
  const auto log = node.open();
  REQUIRE(node.engine->logs().size() == 1);
  CHECK(node.engine->logs()[0].topic == "prices");
  CHECK(node.engine->logs()[0].id == log_name().id);
  CHECK(node.engine->open(log_name(), {}).value() == log);
  REQUIRE(node.engine->remove(log_name().id));
  CHECK(std::filesystem::is_empty(data + "/logs"));
}

// Notes which threads remove trees.
class RemovalWatch final : public PosixDisk {
 public:
  Status remove_all(const std::string& path) override {
    const bool is_here = std::this_thread::get_id() == loop_;
    (is_here ? on_loop : elsewhere) += 1;
    return PosixDisk::remove_all(path);
  }

  std::atomic<int> on_loop{0};  // but for directories of topics
  std::atomic<int> elsewhere{0};

 private:
  const std::thread::id loop_ = std::this_thread::get_id();
};

TEST_CASE(
    "engine: files of a removed log are unlinked on another thread, or after the next start") {
  const TemporaryDirectory directory(fast_directory());
  const auto data = directory.file("data");
  const auto is_emptied = [&] { return std::filesystem::is_empty(data + "/trash"); };
  std::filesystem::create_directories(data + "/trash/0/left over");
  write_text(data + "/trash/0/left over/0.log", "x");
  RemovalWatch disk;
  Node node("mmap", data, &disk);
  const auto log = node.open();
  REQUIRE(xylem::testing::run_until(node.loop, is_emptied));
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  node.settle(*log);
  const int before = disk.elsewhere;
  REQUIRE(node.engine->remove(log_name().id));
  CHECK(std::filesystem::is_empty(data + "/logs"));
  REQUIRE(xylem::testing::run_until(node.loop, is_emptied));
  CHECK(disk.elsewhere > before);
  CHECK(disk.on_loop == 1);  // the topic's directory, empty
}

std::int64_t catalogued(const std::string& data, const std::string& what) {
  auto db = Database::open(data + "/meta.db", {.read_only = true});
  REQUIRE(db);
  auto query = db->prepare("SELECT " + what + " FROM segments");
  REQUIRE(query);
  REQUIRE(query->next().value());
  return query->integer(0);
}

TEST_CASE("engine: meta.db says what segments there are, and is made anew when lost or corrupt") {
  const TemporaryDirectory directory(fast_directory());
  const auto data = directory.file("data");
  LogOptions options = small_segments();
  std::int64_t segments = 0;
  for (const std::string before : {"", "gone", "garbage"}) {
    CAPTURE(before);
    if (before == "gone") std::filesystem::remove(data + "/meta.db");
    if (before == "garbage") write_text(data + "/meta.db", std::string(8'192, 'x'));
    Node node("mmap", data);
    const auto log = node.open(options);
    for (int i = 0; i < 40; ++i) REQUIRE(log->append(batch_of(2, 1'500), Epoch(0)));
    node.settle(*log);
    xylem::testing::run_for(node.loop, 1);
    segments = static_cast<std::int64_t>(log->segments().size());
    node.stop();
    CHECK(catalogued(data, "count(*)") == segments);
    CHECK(catalogued(data, "sum(sealed)") == segments - 1);
  }
  Node node("mmap", data);
  node.open(options);
  REQUIRE(node.engine->remove(log_name().id));
  node.stop();
  CHECK(catalogued(data, "count(*)") == 0);
}

TEST_CASE("inspection: nodes with other segment sizes have the same digest; damage is named") {
  const TemporaryDirectory directory(fast_directory());
  std::vector<std::string> digests;
  PosixDisk disk;
  for (const std::size_t segment_bytes : {1'000UL, 64'000UL}) {
    const auto data = directory.file("data" + std::to_string(segment_bytes));
    Node node("mmap", data);
    LogOptions options;
    options.segment_bytes_max = segment_bytes;
    const auto log = node.open(options);
    for (int i = 0; i < 30; ++i) REQUIRE(log->append(batch_of(2, 70), Epoch(1)));
    node.settle(*log);
    const auto seen = inspect_logs(disk, data);  // beside the running node
    REQUIRE(seen);
    REQUIRE(seen->logs.size() == 1);
    CHECK(seen->faults.empty());
    CHECK(seen->logs[0].batches == 30);
    CHECK(seen->logs[0].first == Offset(0));
    CHECK(seen->logs[0].end == Offset(60));
    digests.push_back(seen->logs[0].sha256);
    CHECK(inspect_logs(disk, data, "other")->logs.empty());
  }
  CHECK(digests[0] == digests[1]);
  CHECK(digests[0].size() == 64);
}

// What the committer has posted by then finds a log whose engine is gone (the asan preset sees it).
TEST_CASE("log: an engine may go while its last news is still on its way") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  const auto log = node.open();
  int told = 0;
  log->set_listener([&] { ++told; });
  REQUIRE(log->append(batch_of(2), Epoch(0)));
  node.stop();
  xylem::testing::run_for(node.loop, 1);
  CHECK(told == 0);
}

TEST_CASE("log: an engine may go while a log waits to be repaired") {
  const TemporaryDirectory directory(fast_directory());
  LogOptions options;
  options.segment_bytes_max = 200;
  std::string sealed;
  for (int start = 0; start < 2; ++start) {
    if (start == 1) {
      auto bytes = read_text(sealed);
      bytes[70] = static_cast<char>(bytes[70] ^ 1);
      write_text(sealed, bytes);
    }
    Node node("mmap", directory.file("data"));
    const auto log = node.open(options);
    if (start == 0) {
      for (int i = 0; i < 4; ++i) REQUIRE(log->append(batch_of(2), Epoch(0)));
      node.settle(*log);
      sealed = log->segments().front().path;
      continue;
    }
    CHECK_FALSE(log->read(Offset(0), 1'000, kAll));
    node.stop();
    xylem::testing::run_for(node.loop, 1);
  }
}

}  // namespace
}  // namespace xylem::storage::testing
