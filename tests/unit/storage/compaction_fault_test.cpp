// Compaction that is cut off at every call to the disk, random workloads, and readers meanwhile.
#include "common/random.h"
#include "tests/support/files.h"
#include "tests/support/sanitizers.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/keyed_model.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

namespace xylem::storage::testing {
namespace {

constexpr int kCallsMax = 400;
constexpr int kCallsStep = xylem::testing::kSanitized ? 7 : 1;
constexpr int kAppends = xylem::testing::kSanitized ? 600 : 1'500;

bool has_unfinished(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() == ".compacting") return true;
  }
  return false;
}

void put(PartitionLog& log, const Buffer& batch, Epoch epoch) { REQUIRE(log.append(batch, epoch)); }

// Three keys and a deleted one, in a few segments.
void write_some(Node& node, PartitionLog& log) {
  put(log, keyed_batch({{"gone", "value"}, {"once", "value"}}), Epoch(1));
  for (int i = 0; i < 24; ++i) {
    put(log, keyed_batch({{i % 2 == 0 ? "a" : "b", value_of(i)}}), Epoch(1 + i / 10));
    if (i == 3) put(log, keyed_batch({{"gone", std::nullopt}}), Epoch(1));
  }
  node.settle(log);
}

struct CutOff {
  bool fired = false;
  std::vector<KeyedRecord> before;
  std::vector<EpochStart> epochs;
};

// A run in which the `call`-th call fails, and then all of them or none.
CutOff compact_until(const std::string& directory,
                     const LogOptions& options,
                     int call,
                     bool for_ever) {
  CutOff out;
  FaultDisk disk;
  Node node("mmap", directory, &disk);
  auto log = node.open(options);
  write_some(node, *log);
  compact(node, *log);  // what was written so far is clean; tombstones are due in the next run
  auto pause = log->pause_compaction();
  for (int i = 0; i < 20; ++i) put(*log, keyed_batch({{"a", value_of(i)}}), Epoch(3));
  node.settle(*log);
  out.before = all_of(*log);
  out.epochs = log->epochs();
  disk.plan.arm(Fault::kIo, call, for_ever);
  const auto before = runs(node);
  pause.reset();
  REQUIRE(xylem::testing::run_until(node.loop, [&] {
    (void)log->retain();
    return disk.plan.has_fired() || runs(node) > before;
  }));
  log.reset();
  node.stop();  // waits for the run's end
  out.fired = disk.plan.has_fired();
  disk.plan.disarm();
  return out;
}

TEST_CASE("compaction: whichever call to the disk fails, old or new is there after a restart") {
  auto options = compacting();
  options.tombstone_retention_ms = 0;
  for (const bool for_ever : {true, false}) {
    bool passed = false;
    for (int call = 1; call <= kCallsMax && !passed; call += kCallsStep) {
      CAPTURE(call);
      CAPTURE(for_ever);
      TemporaryDirectory directory(fast_directory());
      const auto cut_off = compact_until(directory.file("data"), options, call, for_ever);
      passed = !cut_off.fired;
      Node node("mmap", directory.file("data"));
      auto log = node.open(options);
      CHECK_FALSE(has_unfinished(directory.file("data")));
      CHECK(log->lost().empty());
      CHECK(log->health());
      const auto after = all_of(*log);
      CHECK(is_selection(after, cut_off.before));
      CHECK(view_of(after) == view_of(cut_off.before));
      CHECK(log->end_offset() == cut_off.before.back().offset + 1);
      const auto epochs = log->epochs();
      REQUIRE(epochs.size() == cut_off.epochs.size());
      for (std::size_t i = 0; i < epochs.size(); ++i)
        CHECK(epochs[i].start == cut_off.epochs[i].start);
      // It goes on from there.
      for (int i = 0; i < 10; ++i) put(*log, keyed_batch({{"b", value_of(i)}}), Epoch(4));
      node.settle(*log);
      compact(node, *log);
      reopen(node, log, options);
      CHECK(view_of(all_of(*log)).at("b").second == value_of(9));
      CHECK(view_of(all_of(*log)).at("a") == view_of(cut_off.before).at("a"));
      CHECK_FALSE(view_of(all_of(*log)).contains("gone"));
      CHECK(log->lost().empty());
    }
    CHECK(passed);
  }
}

TEST_CASE("compaction: without its state file a log counts as compacted to its end") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto log = node.open(compacting());
  write_some(node, *log);
  compact(node, *log);
  const auto state =
      std::filesystem::path(log->segments().front().path).parent_path() / "compaction";
  log.reset();
  node.stop();
  write_text(state.string(), "nothing that was ever written");
  log = node.open(compacting());
  CHECK(log->compaction().compacted_below == log->end_offset());
  CHECK(log->compaction().tombstone_horizon == log->end_offset());
  compact(node, *log);
  const auto bounds = log->compaction();
  reopen(node, log, compacting());
  CHECK(log->compaction() == bounds);
}

TEST_CASE("compaction: a cut back takes bounds back with it, and what is under way ends") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  auto options = compacting();
  options.tombstone_retention_ms = 0;
  auto log = node.open(options);
  write_some(node, *log);
  compact(node, *log);
  compact(node, *log);
  REQUIRE(log->compaction().tombstone_horizon > Offset(3));
  REQUIRE(log->cut_back(Offset(3)));
  CHECK(log->compaction() == CompactionBounds{Offset(3), Offset(3)});
  reopen(node, log, options);
  CHECK(log->compaction().compacted_below <= Offset(3));
  CHECK(log->compaction().tombstone_horizon >= log->end_offset());
  write_some(node, *log);
  compact(node, *log);
  CHECK(view_of(all_of(*log)).contains("once"));
}

TEST_CASE(
    "compaction: bounds are inherited: an empty log takes them over, others keep the higher") {
  TemporaryDirectory directory(fast_directory());
  for (const std::string type : {"memory", "mmap"}) {
    CAPTURE(type);
    Node node(type, directory.file("data"));
    auto log = node.open(compacting());
    REQUIRE(log->inherit_compaction({Offset(50), Offset(40)}));
    REQUIRE(log->inherit_compaction({Offset(30), Offset(20)}));
    CHECK(log->compaction() == CompactionBounds{Offset(30), Offset(20)});
    add(node, *log, keyed_batch({{"a", "b"}}));
    REQUIRE(log->inherit_compaction({Offset(10), Offset(25)}));
    CHECK(log->compaction() == CompactionBounds{Offset(30), Offset(25)});
    REQUIRE(log->inherit_compaction({Offset(10), Offset(22)}));
    CHECK(log->compaction() == CompactionBounds{Offset(30), Offset(22)});
    if (type == "memory") continue;
    reopen(node, log, compacting());
    CHECK(log->compaction() == CompactionBounds{Offset(30), Offset(22)});
  }
}

// Appends, compacts and opens again at random; the model is the list of all that was appended.
class Walk {
 public:
  explicit Walk(std::uint64_t seed)
      : random_(seed), node_(std::make_unique<Node>("mmap", directory_.file("data"))) {
    options_ = compacting();
    options_.segment_bytes_max = 600 + random_.below(3'000);
    options_.tombstone_retention_ms = seed % 2 == 0 ? 0 : LogOptions().tombstone_retention_ms;
    node_->compaction.key_bytes_max = seed % 3 == 0 ? 16 * 24 : 1'000'000;
    log_ = node_->open(options_);
  }

  void step() {
    const auto what = random_.below(24);
    if (what < 18)
      append_some();
    else if (what < 20)
      REQUIRE(log_->retain());
    else if (what < 22)
      compact_if_due();
    else
      reopen_somehow(what == 22);
    if (random_.below(3) == 0) xylem::testing::run_for(node_->loop, 1);
    if (random_.below(6) == 0) check();
  }

  void check() {
    node_->settle(*log_);
    const auto records = all_of(*log_);
    CHECK(view_of(records) == view_of(model_));
    CHECK(is_selection(records, model_));
    CHECK(log_->lost().empty());
    CHECK(log_->health());
    CHECK(log_->end_offset() == end_);
  }

 private:
  void append_some() {
    std::vector<std::pair<std::optional<std::string>, Value>> records;
    const auto count = 1 + random_.below(5);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::optional<std::string> key = "k" + std::to_string(random_.below(30));
      Value value = std::to_string(random_.next());
      if (random_.below(5) == 0) value.reset();
      if (random_.below(20) == 0) key.reset();
      records.emplace_back(std::move(key), std::move(value));
    }
    const auto codec = static_cast<Compression>(random_.below(5));
    if (random_.below(30) == 0) epoch_ = epoch_ + 1;
    const auto base = log_->append(keyed_batch(records, codec), epoch_);
    REQUIRE(base);
    end_ = *base;
    for (const auto& [key, value] : records) {
      model_.push_back({end_, key, value});
      end_ = end_ + 1;
    }
  }

  void compact_if_due() {
    node_->settle(*log_);
    const auto before = runs(*node_);
    REQUIRE(log_->retain());
    (void)xylem::testing::run_until(node_->loop, [&] { return runs(*node_) > before; }, 20);
  }

  // Clean, or as a kill leaves it.
  void reopen_somehow(bool clean) {
    node_->settle(*log_);
    const auto compaction = node_->compaction;
    const auto before = directory_.file("data");
    const auto copy = directory_.file("copy");
    // Files are copied one after the other: no swap may happen meanwhile (another test cuts those
    // off). This waits for the one that is under way and has the rest of the run given up.
    auto pause = log_->pause_compaction();
    REQUIRE(log_->inherit_compaction({}));
    if (!clean) copy_in_use(before, copy);
    log_.reset();
    node_ = nullptr;
    if (!clean) {
      std::filesystem::remove_all(before);
      std::filesystem::rename(copy, before);
    }
    node_ = std::make_unique<Node>("mmap", before);
    node_->compaction = compaction;
    log_ = node_->open(options_);
  }

  Random random_;
  TemporaryDirectory directory_{fast_directory()};
  LogOptions options_;
  std::unique_ptr<Node> node_;
  std::shared_ptr<PartitionLog> log_;
  std::vector<KeyedRecord> model_;
  Offset end_;
  Epoch epoch_{1};
};

TEST_CASE("compaction: random work matches a map") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Walk walk(seed);
    for (int i = 0; i < 250; ++i) {
      CAPTURE(i);
      walk.step();
    }
    walk.check();
  }
}

// Reads the log from its start again and again, as somebody who keeps the view does.
class Reader {
 public:
  Reader(const PartitionLog& log, const std::vector<KeyedRecord>& model, std::mutex& mutex)
      : log_(log), model_(model), mutex_(mutex), thread_([this] {
          while (!stop_) pass();
        }) {}

  ~Reader() { (void)finish(); }

  std::string finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return fault_;
  }

  [[nodiscard]] int passes() const { return passes_; }

 private:
  void pass() {
    std::vector<KeyedRecord> seen;
    const auto horizon = log_.compaction().tombstone_horizon;
    for (auto cursor = log_.start_offset();;) {
      auto read = log_.read(cursor, 700, kAll);
      if (!read) {
        if (read.error().code() != Errc::kUnavailable) fault_ = read.error().what();
        return;
      }
      // Tombstones went while it was on its way: it has to begin anew, as a child would.
      const auto now = log_.compaction().tombstone_horizon;
      if (now > horizon && cursor < now) return;
      if (read->bytes == 0) break;
      add(*read, seen);
      cursor = read->next;
    }
    const std::lock_guard lock(mutex_);
    std::vector<KeyedRecord> known;
    for (const auto& record : model_) {
      if (!seen.empty() && record.offset <= seen.back().offset) known.push_back(record);
    }
    if (!is_selection(seen, known)) fault_ = "records that are not the model's";
    if (view_of(seen) != view_of(known)) fault_ = "another view";
    ++passes_;
  }

  static void add(const ReadResult& read, std::vector<KeyedRecord>& seen) {
    for (const auto& slice : read.slices) {
      for (auto left = slice.bytes; !left.empty();) {
        auto reader = BatchReader::open(left);
        while (auto record = reader->next()) {
          auto own = (*record)->to_record();
          seen.push_back({(*record)->offset, std::move(own.key), std::move(own.value)});
        }
        left = left.subspan(reader->header().bytes);
      }
    }
  }

  const PartitionLog& log_;
  const std::vector<KeyedRecord>& model_;
  std::mutex& mutex_;
  std::atomic<bool> stop_{false};
  std::atomic<int> passes_{0};
  std::string fault_;
  std::thread thread_;
};

TEST_CASE("compaction: readers in other threads see the last value of each key, always") {
  for (const std::int64_t retention_ms : {std::int64_t{-1}, std::int64_t{0}}) {
    CAPTURE(retention_ms);
    TemporaryDirectory directory(fast_directory());
    Node node("mmap", directory.file("data"));
    auto options = compacting();
    options.tombstone_retention_ms = retention_ms;
    const auto log = node.open(options);
    std::vector<KeyedRecord> model;
    std::mutex mutex;
    Reader reader(*log, model, mutex);
    Random random(7);
    for (int i = 0; i < kAppends; ++i) {
      const auto key = "k" + std::to_string(random.below(20));
      Value value = value_of(i);
      if (random.below(4) == 0) value.reset();
      {
        const std::lock_guard lock(mutex);
        const auto base = log->append(keyed_batch({{key, value}}), Epoch(1));
        REQUIRE(base);
        model.push_back({*base, key, value});
      }
      if (i % 20 == 0) node.settle(*log);
      if (i % 50 == 0) REQUIRE(log->retain());
      if (i % 300 < 299) continue;
      const auto passes = reader.passes();  // neither is outrun, however slow it is
      const auto ran = runs(node);
      const auto went_on = [&] {
        REQUIRE(log->retain());
        return reader.passes() > passes && runs(node) > ran;
      };
      REQUIRE(xylem::testing::run_until(node.loop, went_on, 60'000));
    }
    CHECK(reader.finish() == "");
    node.settle(*log);
    CHECK(view_of(all_of(*log)) == view_of(model));
  }
}

}  // namespace
}  // namespace xylem::storage::testing
