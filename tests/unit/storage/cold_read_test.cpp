// Readers that may not wait for the disk, and how many segments are mapped.
#include "common/random.h"
#include "storage/recovery.h"
#include "storage/segment/mapped_segments.h"
#include "storage/segment/segment.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

// A disk that is as cold as the test says.
class ColdDisk final : public PosixDisk {
 public:
  bool is_resident(Bytes mapped) override {
    looks.push_back(mapped);
    return !is_cold || PosixDisk::is_resident(mapped);
  }

  Status bring_in(Bytes mapped) override {
    is_held.wait(true);
    ++brought_in;
    if (is_broken) return fail(Errc::kIo, "the device says no");
    return PosixDisk::bring_in(mapped);
  }

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    if (how == Open::kRead && path.ends_with(".log")) ++log_opens;
    return PosixDisk::open(path, how);
  }

  void hold() { is_held = true; }
  void let_go() {
    is_held = false;
    is_held.notify_all();
  }

  std::atomic<bool> is_held{false};  // nothing is brought in meanwhile
  std::atomic<bool> is_cold{false};
  std::atomic<bool> is_broken{false};
  std::atomic<int> brought_in{0};
  std::atomic<int> log_opens{0};
  std::vector<Bytes> looks;  // the loop's
};

LogOptions small_segments() {
  LogOptions options;
  options.segment_bytes_max = 20'000;
  options.flush = Flush::kNever;
  return options;
}

constexpr int kBatches = 100;

// A log of several segments, opened again: nothing of it is mapped or proven.
struct ColdLog {
  ColdLog() : node("mmap", directory.file("data"), &disk) {
    auto first = node.open(small_segments());
    for (int i = 0; i < kBatches; ++i) REQUIRE(first->append(batch_of(10, 100), Epoch(1)));
    node.settle(*first);
    first.reset();
    node.stop();
    log = node.open(small_segments());
    log->set_listener([this] { ++told; });
    disk.brought_in = 0;
    disk.is_cold = true;
  }

  // The answer when the reader threads are done.
  Result<bool> ask_again(Offset from, std::size_t bytes_max) {
    const auto before = log->brought_in();
    REQUIRE(run_until(node.loop, [&] { return log->brought_in() > before; }));
    return log->warm_up(from, bytes_max);
  }

  TemporaryDirectory directory{fast_directory()};
  ColdDisk disk;
  Node node;
  std::shared_ptr<PartitionLog> log;
  int told = 0;
};

TEST_CASE("cold reads: a thread brings the batches in, and the listener is called") {
  ColdLog cold;
  const Offset middle(500);
  cold.disk.hold();
  const auto at_first = cold.log->warm_up(middle, 4'000);
  REQUIRE(at_first);
  CHECK_FALSE(*at_first);
  const auto again = cold.log->warm_up(middle, 4'000);  // while it is under way
  REQUIRE(again);
  CHECK_FALSE(*again);
  cold.disk.let_go();
  const auto then = cold.ask_again(middle, 4'000);
  REQUIRE(then);
  CHECK(*then);
  CHECK(cold.told > 0);
  CHECK(cold.disk.brought_in > 0);
  const auto read = cold.log->read(middle, 4'000, kAll);
  REQUIRE(read);
  CHECK(read->bytes > 0);
}

TEST_CASE("cold reads: what is in memory already needs no thread") {
  ColdLog cold;
  (void)cold.log->warm_up(Offset(0), 4'000);
  REQUIRE(cold.ask_again(Offset(0), 4'000));
  cold.disk.is_cold = false;
  const auto brought_in = cold.log->brought_in();
  const auto warm = cold.log->warm_up(Offset(10), 4'000);
  REQUIRE(warm);
  CHECK(*warm);
  CHECK(cold.log->brought_in() == brought_in);
}

TEST_CASE("cold reads: of a segment's successor nothing is looked at before its end is near") {
  ColdLog cold;
  cold.disk.is_cold = false;
  const auto looks_for = [&](Offset from) {
    if (!*cold.log->warm_up(from, 4'000)) REQUIRE(*cold.ask_again(from, 4'000));
    cold.disk.looks.clear();
    REQUIRE(*cold.log->warm_up(from, 4'000));
    return cold.disk.looks.size();
  };
  const auto segments = cold.log->segments();
  REQUIRE(segments.size() > 2);
  CHECK(looks_for(segments[1].base_offset + 20) == 1);
  CHECK(looks_for(segments[1].end_offset + -10) == 2);
  CHECK(looks_for(segments[2].base_offset) == 2);  // the batch before it is in the first
}

TEST_CASE("cold reads: who asks for more than was brought in waits for the rest") {
  ColdLog cold;
  const auto from = cold.log->segments().at(1).base_offset + 20;
  CHECK_FALSE(*cold.log->warm_up(from, 1));
  CHECK_FALSE(*cold.ask_again(from, 60'000));
  CHECK(*cold.ask_again(from, 60'000));
}

TEST_CASE("cold reads: what is warm was looked at as far as a read of it goes") {
  ColdLog cold;
  cold.disk.is_cold = false;
  Random dice(1);
  for (int i = 0; i < 500; ++i) {
    const Offset from(static_cast<std::int64_t>(dice.below(10 * kBatches)));
    const auto bytes_max = static_cast<std::size_t>(dice.below(50'000));
    CAPTURE(from.value());
    CAPTURE(bytes_max);
    cold.disk.looks.clear();
    if (!*cold.log->warm_up(from, bytes_max)) {
      REQUIRE(*cold.ask_again(from, bytes_max));
      continue;
    }
    const auto read = cold.log->read(from, bytes_max, kAll);
    REQUIRE(read);
    for (const auto& slice : read->slices) {
      CHECK(std::ranges::any_of(cold.disk.looks, [&](Bytes look) {
        return look.data() <= slice.bytes.data() &&
               slice.bytes.data() + slice.bytes.size() <= look.data() + look.size();
      }));
    }
  }
}

TEST_CASE("cold reads: a whole log can be read where memory loses everything at once") {
  ColdLog cold;
  for (Offset cursor; cursor < cold.log->end_offset();) {
    auto warm = cold.log->warm_up(cursor, 4'000);
    REQUIRE(warm);
    if (!*warm) warm = cold.ask_again(cursor, 4'000);
    REQUIRE(warm);
    REQUIRE(*warm);  // though the disk still calls it cold
    const auto read = cold.log->read(cursor, 4'000, kAll);
    REQUIRE(read);
    REQUIRE(read->bytes > 0);
    cursor = read->next;
  }
}

TEST_CASE("cold reads: what the device cannot read is an error, and its good batches stay") {
  ColdLog cold;
  cold.disk.is_broken = true;
  (void)cold.log->warm_up(Offset(0), 4'000);
  const auto told = cold.ask_again(Offset(0), 4'000);
  REQUIRE_FALSE(told);
  CHECK(told.error().code() == Errc::kCorrupt);
  cold.disk.is_broken = false;
  REQUIRE(run_until(cold.node.loop, [&] {
    return cold.node.metric("xylem_storage_quarantined_segments_total") == 1;
  }));
  cold.log->set_options(small_segments());                   // waits for who puts the copy in place
  const auto read = cold.log->read(Offset(0), 4'000, kAll);  // the rest of its bytes were good
  REQUIRE(read);
  CHECK(read->next > Offset(0));
}

TEST_CASE("cold reads: the tail is never cold") {
  ColdLog cold;
  REQUIRE(cold.log->append(batch_of(10), Epoch(1)));
  REQUIRE(cold.log->append(batch_of(10), Epoch(1)));
  cold.node.settle(*cold.log);
  const auto warm = cold.log->warm_up(Offset(kBatches * 10 + 10), 4'000);
  REQUIRE(warm);
  CHECK(*warm);
}

TEST_CASE("cold reads: nothing is brought in for a cursor that no log of this size has") {
  ColdLog cold;
  const int opens = cold.disk.log_opens;
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  for (const auto from : {Offset(kLowest), Offset(-1), Offset(kBatches * 10 + 1), kAll}) {
    const auto warm = cold.log->warm_up(from, 4'000);
    REQUIRE(warm);
    CHECK(*warm);
    const auto read = cold.log->read(from, 4'000, kAll);
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == Errc::kOffsetOutOfRange);
  }
  CHECK(cold.disk.log_opens == opens);
  CHECK(cold.disk.brought_in == 0);
}

TEST_CASE("a segment that grows is mapped again only by who reads its new end") {
  const TemporaryDirectory directory(fast_directory());
  ColdDisk disk;
  Node node("mmap", directory.file("data"), &disk);
  LogOptions options;
  options.flush = Flush::kNever;
  const auto log = node.open(options);
  const auto append = [&] {
    for (int i = 0; i < 300; ++i) REQUIRE(log->append(batch_of(10, 1'000), Epoch(1)));
    node.settle(*log);
  };
  append();
  append();  // the tail has let the first batches go
  REQUIRE(log->read(Offset(0), 4'000, kAll));
  const int opens = disk.log_opens;
  for (int i = 0; i < 3; ++i) {
    append();
    REQUIRE(log->read(Offset(0), 4'000, kAll));
  }
  CHECK(disk.log_opens == opens);
  const Offset behind(300 * 10 * 3);
  const auto read = log->read(behind, 4'000, kAll);
  REQUIRE(read);
  CHECK(read->next > behind);
  CHECK(disk.log_opens == opens + 1);
}

// Lines of /proc/self/maps that name `part`.
int mappings_of(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(part) != std::string::npos;
  return count;
}

TEST_CASE("mapped segments: past the limit the one that was not read since goes") {
  const TemporaryDirectory directory(fast_directory());
  PosixDisk disk;
  MappedSegments mapped(3);
  SegmentList segments;
  const auto data = directory.file("data");
  {
    Node node("mmap", data);
    const auto log = node.open(small_segments());
    for (int i = 0; i < kBatches; ++i) REQUIRE(log->append(batch_of(10, 100), Epoch(1)));
    node.settle(*log);
    node.stop();
    REQUIRE(log->segments().size() > 5);
    for (const auto& info : log->segments()) {
      const Segment names(disk, directory_of(info.path), info.base_offset);
      const auto facts = stored_facts(disk, names, info.bytes);
      REQUIRE(facts);
      REQUIRE(*facts);
      segments.push_back(std::make_shared<Segment>(disk, directory_of(info.path), **facts));
      segments.back()->count_in(&mapped);
    }
  }
  const auto read = [&](std::size_t i) {
    ReadResult out;
    REQUIRE(segments[i]->read({segments[i]->base(), 100, kAll}, out));
    CHECK(out.bytes > 0);
  };
  for (std::size_t i = 0; i < segments.size(); ++i) {
    read(i);
    read(0);
    CHECK(mapped.size() <= 3);
    CHECK(mappings_of(data) <= 3);
  }
}

}  // namespace
}  // namespace xylem::storage::testing
