// Scrubbing: damage that nobody has read yet is found, step by step, at the rate that was asked
// for.
#include "storage/mmap_log.h"
#include "storage/repair/scrubber.h"
#include "tests/unit/storage/support/damaged_log.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>

namespace xylem::storage::testing {
namespace {

using xylem::testing::run_until;

void flip(const std::string& path, std::size_t at) {
  auto bytes = read_text(path);
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  write_text(path, bytes);
}

// A log opened again, and a scrub of it that the test steps.
struct Scrubbing : DamagedLog {
  Scrubbing() : DamagedLog(12, true, small_segments()) {}

  void open() {
    node = start();
    log = node->open(small_segments());
    Scrub::Options options;
    options.bytes_per_s = 1'000;
    scrub.emplace(Scrub::Context{disk, clock, metrics, [this] { return is_busy.load(); }}, options);
    scrub->add(std::dynamic_pointer_cast<MmapLog>(log));
  }

  // Steps until a pass is over; the bytes it read.
  std::uint64_t pass() {
    const auto before = metrics.scrubbed_bytes.value();
    const auto passes = metrics.scrub_passes.value();
    for (int steps = 0; metrics.scrub_passes.value() == passes; ++steps) {
      REQUIRE(steps < 1'000);
      const auto again_at_us = scrub->step();
      wait_until(again_at_us);
    }
    return metrics.scrubbed_bytes.value() - before;
  }

  void wait_until(std::int64_t us) {
    clock.advance_ms(std::max<std::int64_t>(us - clock.monotonic_us() + 999, 0) / 1'000);
  }

  PosixDisk disk;
  ManualClock clock;
  Metrics all;
  StorageMetrics metrics{all};
  std::atomic<bool> is_busy{false};
  std::unique_ptr<Node> node;
  std::shared_ptr<PartitionLog> log;
  std::optional<Scrub> scrub;
};

TEST_CASE_FIXTURE(Scrubbing, "scrub: a good log is read once in a pass, at its rate, once a day") {
  open();
  const auto begin_us = clock.monotonic_us();
  CHECK(scrub->step() == begin_us + Scrub::Options().first_after_us);
  CHECK(metrics.scrubbed_bytes.value() == 0);
  std::uint64_t bytes = 0;
  for (const auto& file : files(".log")) bytes += std::filesystem::file_size(file);
  bytes -= std::filesystem::file_size(files(".log").back());
  const auto began_us = begin_us + Scrub::Options().first_after_us;
  CHECK(pass() == bytes);
  CHECK(metrics.scrub_findings.value() == 0);
  CHECK(metrics.scrubbed_at_s.value() > 0);
  // The last step is due when the day is over: the rate spread the others over the pass.
  CHECK(clock.monotonic_us() == began_us + Scrub::Options().pass_every_us);
  CHECK(pass() == bytes);
  CHECK(log->lost().empty());
}

TEST_CASE_FIXTURE(Scrubbing, "scrub: every step waits as long as its bytes take at the rate") {
  open();
  wait_until(Scrub::Options().first_after_us);
  const auto now = clock.monotonic_us();
  const auto again_at_us = scrub->step();
  const auto bytes = static_cast<std::int64_t>(metrics.scrubbed_bytes.value());
  CHECK(bytes > 0);
  CHECK(again_at_us == now + bytes * 1'000);
}

TEST_CASE_FIXTURE(Scrubbing, "scrub: it steps back while batches wait, but not for ever") {
  open();
  wait_until(Scrub::Options().first_after_us);
  is_busy = true;
  int steps = 0;
  while (metrics.scrubbed_bytes.value() == 0) {
    REQUIRE(++steps < 100);
    const auto again_at_us = scrub->step();
    CHECK(again_at_us > clock.monotonic_us());
    wait_until(again_at_us);
  }
  CHECK(steps > 10);
}

TEST_CASE_FIXTURE(Scrubbing,
                  "scrub: bad bytes of a sealed segment are set aside before anybody reads") {
  SUBCASE("in a batch") { flip(files(".log").at(1), batches[0].size() - 1); }
  SUBCASE("in an offset, which no batch's own CRC covers") { flip(files(".log").at(1), 7); }
  SUBCASE("the file is cut") {
    std::filesystem::resize_file(files(".log").at(1), batches[0].size() + 10);
    // The start would look: so it happens later.
  }
  open();
  (void)pass();
  if (log->lost().empty()) {
    CHECK(metrics.scrub_findings.value() == 1);
    REQUIRE(run_until(node->loop, [&] { return !log->lost().empty(); }));
    log->set_options(small_segments());  // waits for who puts the copy in place
  }
  CHECK(files(".quarantined").size() == 1);
  CHECK(log->writable());
  CHECK(log->lost().size() == 1);
  CHECK(served(*node, *log).size() < batches.size());
  const auto findings = metrics.scrub_findings.value();
  (void)pass();  // what is left is good, its indexes are there
  CHECK(metrics.scrub_findings.value() == findings);
}

TEST_CASE_FIXTURE(Scrubbing, "scrub: index files that are gone or wrong are made again") {
  open();
  const auto indexes = files("index");
  std::vector<std::string> good;
  for (const auto& index : indexes) good.push_back(read_text(index));
  SUBCASE("gone") { std::filesystem::remove(indexes.at(0)); }
  SUBCASE("flipped") { flip(indexes.at(0), 30); }
  SUBCASE("cut") { std::filesystem::resize_file(indexes.at(0), 21); }
  SUBCASE("the time index is gone") { std::filesystem::remove(indexes.at(1)); }
  SUBCASE("the time index is flipped") { flip(indexes.at(1), 9); }
  REQUIRE(indexes.at(0).ends_with(".index"));
  REQUIRE(indexes.at(1).ends_with(".timeindex"));
  (void)pass();
  CHECK(metrics.scrub_findings.value() == 1);
  for (std::size_t i = 0; i < indexes.size(); ++i) CHECK(read_text(indexes[i]) == good[i]);
  CHECK(log->lost().empty());
  (void)pass();
  CHECK(metrics.scrub_findings.value() == 1);
}

TEST_CASE_FIXTURE(Scrubbing, "scrub: logs that are gone are forgotten") {
  open();
  log.reset();
  node->stop();
  CHECK(pass() == 0);
}

TEST_CASE("scrub: an engine's thread finds damage, and closing does not wait for a pass") {
  const DamagedLog made(12, true, small_segments());
  flip(made.files(".log").at(1), made.batches[0].size() - 1);
  Node node("mmap", made.data());
  auto engine = open_storage("mmap", made.data(),
                             {.loop = node.loop,
                              .disk = node.disk,
                              .clock = node.clock,
                              .logger = Logger::none(),
                              .metrics = node.metrics,
                              .scrub_bytes_per_s = 1 << 20});
  REQUIRE(engine);
  node.engine = std::move(*engine);
  const auto log = node.open(small_segments());
  REQUIRE(run_until(node.loop, [&] {
    node.clock.advance_ms(60'000);
    (void)log->append(batch_of(1), Epoch(3));
    return !log->lost().empty();
  }));
  CHECK(node.metric("xylem_storage_scrub_findings_total") >= 1);
}

}  // namespace
}  // namespace xylem::storage::testing
