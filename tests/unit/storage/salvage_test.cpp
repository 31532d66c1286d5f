// A damaged segment of an open log is copied beside everything else that the log does.
#include "tests/unit/storage/support/damaged_log.h"
#include "tests/unit/storage/support/fault_disk.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

// Holds up who begins the copy of a segment, unless that is the loop.
class GatedDisk final : public PosixDisk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    if (how == Open::kCreate && path.ends_with(".new") && path.contains(".log.")) {
      (std::this_thread::get_id() == loop_ ? on_loop : elsewhere) += 1;
      if (std::this_thread::get_id() != loop_) is_open.wait(false);
    }
    return PosixDisk::open(path, how);
  }

  void open_gate() {
    is_open = true;
    is_open.notify_all();
  }

  std::atomic<bool> is_open{false};
  std::atomic<int> on_loop{0};
  std::atomic<int> elsewhere{0};

 private:
  const std::thread::id loop_ = std::this_thread::get_id();
};

void flip(const std::string& file, std::size_t at) {
  auto bytes = read_text(file);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_text(file, bytes);
}

// A log whose salvage is held up at the gate.
struct Salvaging {
  explicit Salvaging(bool is_last) : file(pick(made, is_last)) {
    if (!is_last) flip(file, made.batches[0].size() - 1);
    log = node.open(small_segments());
    if (is_last) flip(file, made.batches[0].size() - 1);  // the start would find it
    const auto all = log->segments();
    segment = is_last ? all.back() : all.at(1);
    log->set_listener([this] { ++told; });
    CHECK_FALSE(log->read(segment.base_offset, 1, kAll));
    REQUIRE(run_until(node.loop, [&] { return disk.elsewhere > 0 || disk.on_loop > 0; }));
    REQUIRE(disk.on_loop == 0);
  }

  ~Salvaging() { disk.open_gate(); }

  static std::string pick(const DamagedLog& log, bool is_last) {
    return is_last ? log.files(".log").back() : log.files(".log").at(1);
  }

  bool is_clean() const { return made.files(".new").empty(); }

  DamagedLog made{12, true, small_segments()};
  std::string file;
  GatedDisk disk;
  Node node{"mmap", made.data(), &disk};
  std::shared_ptr<PartitionLog> log;
  SegmentInfo segment;
  int told = 0;
};

TEST_CASE("salvage: a log goes on while a segment is copied; who reads that one is told to wait") {
  for (const bool is_last : {false, true}) {
    CAPTURE(is_last);
    Salvaging it(is_last);
    const auto end = it.log->end_offset();
    REQUIRE(it.log->append(batch_of(2, 10), Epoch(3)));
    it.node.settle(*it.log);
    CHECK(it.log->read(end, 1, kAll));
    CHECK(it.log->read(Offset(0), 1, kAll));
    const auto refused = it.log->read(it.segment.base_offset, 1, kAll);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kCorrupt);
    CHECK(it.log->lost().empty());

    it.told = 0;
    it.disk.open_gate();
    REQUIRE(run_until(it.node.loop, [&] { return !it.log->lost().empty() && it.told > 0; }));
    it.log->set_options(small_segments());  // waits for who puts the copy in place
    CHECK(it.made.files(".quarantined").size() == 1);
    CHECK(it.is_clean());
    CHECK(it.disk.on_loop == 0);
    CHECK(served(it.node, *it.log).size() == it.made.batches.size());
    CHECK(it.log->lost().size() == 1);
  }
}

TEST_CASE("salvage: of a segment that is another one by then, the copy is thrown away") {
  Salvaging it(false);
  const auto base = it.segment.base_offset;
  std::size_t lost = 0;
  SUBCASE("cut away") { REQUIRE(it.log->cut_back(base)); }
  SUBCASE("cut") {
    REQUIRE(it.log->cut_back(base + 4));  // into it: it was set aside for that
    lost = it.log->lost().size();
  }
  SUBCASE("dropped") { REQUIRE(it.log->drop_before(it.segment.end_offset)); }
  it.told = 0;
  it.disk.open_gate();
  REQUIRE(run_until(it.node.loop, [&] { return it.told > 0; }));
  CHECK(it.is_clean());
  CHECK(it.log->lost().size() == lost);
  CHECK(it.log->writable());
  REQUIRE(it.log->append(batch_of(1), Epoch(3)));
  it.node.settle(*it.log);
}

TEST_CASE("salvage: a log may be closed or removed, and the engine go, while it runs") {
  Salvaging it(false);
  SUBCASE("closed") { REQUIRE(it.log->close()); }
  SUBCASE("removed") { REQUIRE(it.node.engine->remove(log_name().id)); }
  SUBCASE("the engine goes") {}
  it.disk.open_gate();
  it.log.reset();
  it.node.stop();
  CHECK(it.is_clean());
}

TEST_CASE(
    "salvage: a full disk leaves a bad segment where it is, and is tried again after a while") {
  const DamagedLog made(12, true, small_segments());
  flip(made.files(".log").at(1), made.batches[0].size() - 1);
  FaultDisk disk;
  Node node("mmap", made.data(), &disk);
  const auto log = node.open(small_segments());
  const auto base = log->segments().at(1).base_offset;
  int told = 0;
  int refused = 0;
  log->set_listener([&] {
    ++told;
    if (!log->read(base, 1, kAll)) ++refused;  // as a consumer does
  });
  disk.plan.arm(Fault::kDiskFull, 2, true);  // the first call makes the file
  CHECK_FALSE(log->read(base, 1, kAll));
  REQUIRE(run_until(node.loop, [&] { return refused > 0; }));
  CHECK(disk.plan.has_fired());
  disk.plan.disarm();
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(log->read(base, 1, kAll));
    xylem::testing::run_for(node.loop, 1);
  }
  CHECK(log->writable());
  CHECK(log->lost().empty());
  CHECK(made.files(".quarantined").empty());
  CHECK(refused == told);
  node.clock.advance_ms(60'000);
  log->set_options(small_segments());  // the committer looks at the clock
  REQUIRE(run_until(node.loop, [&] { return !log->lost().empty(); }));
  log->set_options(small_segments());  // waits for who puts the copy in place
  CHECK(made.files(".quarantined").size() == 1);
  CHECK(made.files(".new").empty());
  CHECK(served(node, *log).size() == made.batches.size() - 1);
}

}  // namespace
}  // namespace xylem::storage::testing
