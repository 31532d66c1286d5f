// What was lost comes back, to its place: the rest of the log stays as it is.
#include "storage/log_paths.h"
#include "storage/partition_log.h"
#include "tests/unit/storage/support/damaged_log.h"
#include "tests/unit/storage/support/fault_disk.h"

#include <doctest/doctest.h>

#include <map>
#include <sys/stat.h>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

std::uint64_t inode_of(const std::string& path) {
  struct stat about{};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_ino;
}

void flip(const std::string& path, std::size_t at) {
  auto bytes = read_text(path);
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  write_text(path, bytes);
}

// Twelve batches in segments of two; both of the third segment's are spoiled.
struct Holed : DamagedLog {
  Holed() : DamagedLog(12, true, small_segments()) {
    const auto logs = files(".log");
    REQUIRE(logs.size() >= 4);
    per_segment = std::filesystem::file_size(logs[0]) / batches[0].size();
    REQUIRE(per_segment >= 2);
    for (std::size_t i = 0; i < per_segment; ++i) flip(logs[2], (i + 1) * batches[0].size() - 1);
    for (const auto& index : files("index")) std::filesystem::remove(index);  // the start looks
  }

  // The batches that were spoiled.
  [[nodiscard]] Buffer part(std::size_t first, std::size_t last) const {
    Buffer all;
    for (auto i = first; i < last; ++i) xylem::append(batches[2 * per_segment + i], all);
    return all;
  }

  [[nodiscard]] Offset at(std::size_t batch) const {
    return Offset(static_cast<std::int64_t>(2 * (2 * per_segment + batch)));
  }

  std::size_t per_segment = 0;
};

bool is_whole(Node& node, const PartitionLog& log) {
  return run_until(node.loop, [&] { return log.lost().empty() || !log.writable(); }) &&
         log.lost().empty();
}

TEST_CASE("log: what was lost is put back between its neighbours, whose files stay") {
  const Holed made;
  for (int start = 0; start < 2; ++start) {
    CAPTURE(start);
    int told = 0;  // outlives the log, which counts to the end
    auto node = made.start();
    const auto log = node->open(small_segments());
    if (start == 0) {
      REQUIRE(log->to_fill());
      CHECK(log->to_fill()->from == made.at(0));
      CHECK(log->to_fill()->to == made.at(made.per_segment));
      std::map<std::string, std::uint64_t> inodes;
      for (const auto& segment : log->segments()) {
        if (segment.bytes > 0) inodes[segment.path] = inode_of(segment.path);
      }
      log->set_listener([&] { ++told; });
      REQUIRE(log->fill(made.part(0, 1), made.at(1)));
      CHECK(log->to_fill()->from == made.at(1));  // before it is written
      REQUIRE(log->fill(made.part(1, made.per_segment), made.at(made.per_segment)));
      CHECK_FALSE(log->to_fill());
      REQUIRE(is_whole(*node, *log));
      REQUIRE(run_until(node->loop, [&] { return told > 0; }));
      for (const auto& [path, inode] : inodes) CHECK(inode_of(path) == inode);
      CHECK(node->metric("xylem_storage_filled_offsets_total") == 2.0 * made.per_segment);
      CHECK(node->metric("xylem_storage_filled_bytes_total") ==
            static_cast<double>(made.part(0, made.per_segment).size()));
    }
    CHECK(log->lost().empty());
    CHECK(log->health());
    CHECK(served(*node, *log) == made.batches);
    CHECK(log->epochs().size() == 1);
    if (start == 0) REQUIRE(log->append(batch_of(1), Epoch(3)));
    node->settle(*log);
    if (start == 0) REQUIRE(log->cut_back(Offset(24)));
  }
}

TEST_CASE("log: a range that holds nothing is closed, and stays so as long as its index does") {
  const Holed made;
  const auto end = made.at(made.per_segment);
  for (int start = 0; start < 4; ++start) {
    CAPTURE(start);
    auto node = made.start();
    const auto log = node->open(small_segments());
    if (start == 0) {  // first a batch, then nothing
      REQUIRE(log->fill(made.part(0, 1), made.at(1)));
      REQUIRE(log->fill({}, end));
    }
    if (start == 2) {
      REQUIRE(log->to_fill());
      CHECK(log->to_fill()->from == made.at(1));
      REQUIRE(log->fill({}, log->to_fill()->from + 1));  // nothing, in two steps
      REQUIRE(log->fill({}, end));
    }
    REQUIRE(is_whole(*node, *log));
    auto left = made.batches;
    const auto gap = left.begin() + static_cast<std::ptrdiff_t>(2 * made.per_segment + 1);
    left.erase(gap, gap + static_cast<std::ptrdiff_t>(made.per_segment - 1));
    CHECK(served(*node, *log) == left);
    node->stop();
    if (start != 1) continue;
    for (const auto& index : made.files(".index")) std::filesystem::remove(index);
  }
}

TEST_CASE("log: what does not belong into a lost range is refused") {
  const Holed made;
  auto node = made.start();
  const auto log = node->open(small_segments());
  const auto end = made.at(made.per_segment);
  const auto refused = [&](const Buffer& batches, Offset to) {
    const auto done = log->fill(batches, to);
    REQUIRE_FALSE(done);
    CHECK(log->to_fill()->from == made.at(0));
    return done.error().code();
  };
  CHECK(refused(made.part(0, made.per_segment + 1), end + 2) == Errc::kInvalidRequest);
  CHECK(refused(made.part(0, made.per_segment + 1), end) == Errc::kInvalidRequest);
  CHECK(refused({}, made.at(0)) == Errc::kInvalidRequest);
  CHECK(refused(made.batches[0], end) == Errc::kInvalidRequest);
  for (const int epoch : {2, 4})
    CHECK(refused(placed(made.batches[0], made.at(0), Epoch(epoch)), end) == Errc::kInvalidRequest);
  auto bad = made.part(0, 1);
  bad.back() ^= std::byte{1};
  CHECK(refused(bad, made.at(1)) == Errc::kCorrupt);
  REQUIRE(log->fill(made.part(0, made.per_segment), end));
  REQUIRE(is_whole(*node, *log));
  CHECK(log->fill({}, end).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("log: an epoch that began in what was lost is known again") {
  const TemporaryDirectory directory(fast_directory());
  std::vector<Buffer> batches;
  std::vector<EpochStart> epochs;
  for (int start = 0; start < 2; ++start) {
    Node node("mmap", directory.file("data"));
    const auto log = node.open(small_segments());
    for (int i = 0; start == 0 && i < 12; ++i) {
      const auto batch = batch_of(2, 10);
      const Epoch epoch(i < 5 ? 1 : 2);
      batches.push_back(placed(batch, *log->append(batch, epoch), epoch));
      node.settle(*log);
    }
    if (start == 0) {
      epochs = log->epochs();
      auto segments = log->segments();
      node.stop();
      std::erase_if(segments, [](const auto& segment) {
        return segment.base_offset > Offset(10) || segment.end_offset <= Offset(10);
      });
      std::filesystem::remove(segments.at(0).path);
      continue;
    }
    const auto range = log->to_fill();
    REQUIRE(range);
    REQUIRE((range->from <= Offset(10) && range->to > Offset(10)));
    CHECK(log->epochs().at(1).start == range->to);
    Buffer lost;
    for (auto i = range->from.value() / 2; i < range->to.value() / 2; ++i)
      xylem::append(batches[static_cast<std::size_t>(i)], lost);
    REQUIRE(log->fill(lost, range->to));
    REQUIRE(is_whole(node, *log));
    CHECK(log->epochs().at(1).start == epochs.at(1).start);
    CHECK(served(node, *log) == batches);
  }
}

TEST_CASE("log: a fill that fails at any call to the disk leaves no silent gap") {
  bool passed = false;
  for (int call = 1; call <= 200 && !passed; ++call) {
    CAPTURE(call);
    const Holed made;
    (void)made.start()->open(small_segments());  // sets the bad segment aside
    const auto end = made.at(made.per_segment);
    {
      FaultDisk disk;
      Node node("mmap", made.data(), &disk);
      const auto log = node.open(small_segments());
      disk.plan.arm(call % 2 == 0 ? Fault::kIo : Fault::kShortWrite, call, true);
      REQUIRE(log->fill(made.part(0, 1), made.at(1)));
      const auto rest = log->fill(made.part(1, made.per_segment), end);
      if (!rest) CHECK(disk.plan.has_fired());  // the first one has fenced the log already
      (void)is_whole(node, *log);
      node.stop();
      passed = !disk.plan.has_fired();
      disk.plan.disarm();
    }
    auto node = made.start();
    const auto log = node->open(small_segments());
    if (!log->lost().empty()) {
      CHECK_FALSE(passed);
      CHECK(log->lost().front().to == end);
      const auto from = log->lost().front().from;
      const auto have = static_cast<std::size_t>((from - made.at(0)) / 2);
      REQUIRE(log->fill(made.part(have, made.per_segment), end));
    }
    REQUIRE(is_whole(*node, *log));
    CHECK(served(*node, *log) == made.batches);
  }
  CHECK(passed);
}

TEST_CASE("log: a full disk holds a fill up until there is room") {
  const Holed made;
  (void)made.start()->open(small_segments());
  FaultDisk disk;
  Node node("mmap", made.data(), &disk);
  const auto log = node.open(small_segments());
  disk.plan.only_allocations(true);
  disk.plan.arm(Fault::kDiskFull, 1, true);
  REQUIRE(log->fill(made.part(0, made.per_segment), made.at(made.per_segment)));
  REQUIRE(run_until(node.loop, [&] { return !log->writable(); }));
  CHECK(log->writable().error().code() == Errc::kDiskFull);
  disk.plan.disarm();
  node.clock.advance_ms(1'000);
  REQUIRE(run_until(node.loop, [&] { return log->lost().empty(); }));
  CHECK(served(node, *log) == made.batches);
}

TEST_CASE("log: what is cut away or dropped while it is filled is passed over") {
  for (const std::string how : {"cut", "dropped"}) {
    CAPTURE(how);
    const Holed made;
    auto node = made.start();
    const auto log = node->open(small_segments());
    REQUIRE(log->fill(made.part(0, 1), made.at(1)));
    if (how == "cut") REQUIRE(log->cut_back(made.at(0)));
    if (how == "dropped") REQUIRE(log->drop_before(made.at(made.per_segment)));
    xylem::testing::run_for(node->loop, 2);
    CHECK(log->lost().empty());
    CHECK_FALSE(log->to_fill());
    if (how == "cut") CHECK(served(*node, *log).size() == 2 * made.per_segment);
    if (how == "dropped")
      CHECK(served(*node, *log).size() == made.batches.size() - 3 * made.per_segment);
    REQUIRE(log->writable());
  }
}

// A disk that cannot read one page of one file.
class BadSectors final : public PosixDisk {
 public:
  static constexpr std::int64_t kPage = 4096;

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;

  std::uint64_t bad_inode = 0;
  std::int64_t bad_page = 1'000'000;
};

class FileOfBadSectors final : public File {
 public:
  FileOfBadSectors(std::unique_ptr<File> real, std::int64_t bad)
      : real_(std::move(real)), bad_(bad) {}

  Result<std::size_t> read_at(std::int64_t position, MutableBytes out) const override {
    const auto end = position + static_cast<std::int64_t>(out.size());
    if (end > bad_ && position < bad_ + BadSectors::kPage)
      return fail(Errc::kIo, "input/output error");
    return real_->read_at(position, out);
  }

  Status write_at(std::int64_t position, std::span<const Bytes> pieces) override {
    return real_->write_at(position, pieces);
  }

  Status allocate(std::int64_t bytes) override { return real_->allocate(bytes); }

  Status truncate(std::int64_t bytes) override { return real_->truncate(bytes); }

  Status sync() override { return real_->sync(); }

  Status forget_cached() override { return real_->forget_cached(); }

  [[nodiscard]] Result<std::int64_t> size() const override { return real_->size(); }

  Result<Slice> map(std::int64_t bytes) const override { return real_->map(bytes); }

  [[nodiscard]] int descriptor() const noexcept override { return real_->descriptor(); }

 private:
  std::unique_ptr<File> real_;
  std::int64_t bad_;
};

Result<std::unique_ptr<File>> BadSectors::open(const std::string& path, Open how) {
  auto file = PosixDisk::open(path, how);
  if (!file || inode_of(path) != bad_inode) return file;
  return std::make_unique<FileOfBadSectors>(std::move(*file), bad_page * kPage);
}

TEST_CASE("log: a page that the device cannot read costs its batches, and fences nothing") {
  for (const bool is_last : {false, true}) {
    CAPTURE(is_last);
    LogOptions options;
    options.segment_bytes_max = 40'000;
    const DamagedLog made(600, true, options);
    for (const auto& index : made.files("index")) std::filesystem::remove(index);
    BadSectors disk;
    disk.bad_inode = inode_of(is_last ? made.files(".log").back() : made.files(".log").at(0));
    disk.bad_page = 1;
    Node node("mmap", made.data(), &disk);
    const auto log = node.open(options);
    REQUIRE(log->lost().size() == 1);
    CHECK(log->writable());
    CHECK(made.files(".quarantined").size() == 1);
    const auto range = *log->to_fill();
    const auto lost = static_cast<std::size_t>((range.to - range.from) / 2);
    CHECK(lost > BadSectors::kPage / made.batches[0].size());
    CHECK(lost <= BadSectors::kPage / made.batches[0].size() + 2);
    CHECK(served(node, *log).size() == made.batches.size() - lost);
    Buffer again;
    for (auto i = range.from.value() / 2; i < range.to.value() / 2; ++i)
      xylem::append(made.batches[static_cast<std::size_t>(i)], again);
    REQUIRE(log->fill(again, range.to));
    REQUIRE(is_whole(node, *log));
    CHECK(served(node, *log) == made.batches);
  }
}

TEST_CASE("log: damage that a cut back meets is set aside, and the cut is done") {
  BadSectors disk;
  const auto cut = [&](const DamagedLog& made, const LogOptions& options, Offset offset) {
    Node node("mmap", made.data(), &disk);
    const auto log = node.open(options);
    REQUIRE(log->lost().empty());
    disk.bad_inode = inode_of(made.files(".log").at(0));
    REQUIRE(log->cut_back(offset));
    CHECK(log->end_offset() == offset);
    CHECK(log->writable());
    CHECK(log->lost().size() == 1);
    CHECK(made.files(".quarantined").size() == 1);
    REQUIRE(log->append(batch_of(1), Epoch(3)));
    node.settle(*log);
    CHECK(log->durable_end() == offset + 1);
  };
  SUBCASE("bytes of a sealed segment, found on the way") {
    const DamagedLog made(12, true, small_segments());
    const auto base =
        *parse_segment_file(std::filesystem::path(made.files(".log").at(1)).filename().string());
    flip(made.files(".log").at(1), made.batches[0].size() - 1);
    cut(made, small_segments(), base + 4);
  }
  SUBCASE("a page that cannot be copied") {
    const DamagedLog made(600);
    disk.bad_page = 1;
    cut(made, {}, Offset(1'000));
  }
}

}  // namespace
}  // namespace xylem::storage::testing
