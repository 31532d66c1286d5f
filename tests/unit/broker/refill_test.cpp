// A damaged copy gets back from its parent what it lost, and nothing else.
#include "broker/upstream/refill.h"

#include "storage/storage_engine.h"
#include "tests/support/files.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/pipe/node.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

using storage::testing::fast_directory;
using testing::run_for;
using testing::run_until;

constexpr int kBatches = 60;
constexpr std::size_t kValueBytes = 1'000;
constexpr std::size_t kSegmentBytes = 10'000;
const LogId kLog = pipe::log_id(1);

TopicDefinition topic() {
  TopicDefinition topic;
  topic.name = "prices";
  topic.incarnation = kLog.incarnation;
  return topic;
}

// Sixty batches of one record each, as the root has them.
std::vector<Buffer> history() {
  std::vector<Buffer> batches;
  for (int i = 0; i < kBatches; ++i) {
    const std::string value(kValueBytes, static_cast<char>('a' + i % 26));
    batches.push_back(storage::testing::placed(testing::batch_of(value), Offset(i), Epoch(1)));
  }
  return batches;
}

// A broker below the root: real files, and a pipe session for what is missing.
struct Child {
  Child(pipe::World& shared, const std::string& data) : world(shared) {
    auto opened = storage::open_storage(
        "mmap", data, {world.loop, disk, world.clock, Logger::none(), world.metrics});
    REQUIRE(opened);
    engine = std::move(*opened);
    table.emplace(
        PartitionTable::Context{world.loop, world.clock, Logger::none(), *engine},
        PartitionTable::Options{.segment_bytes_max = kSegmentBytes, .flush_interval_ms = 1});
    pipe::PipeClient::Options options;
    options.node = "l2-0";
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    options.wait_ms = 50;
    options.bytes_max = bytes_max;
    refill.emplace(
        Refill::Context{{world.loop, world.clock, world.random, Logger::none(), world.metrics},
                        world.connector,
                        *table,
                        [](const NodeId&, const ClusterId&) { return true; }},
        options);
    table->observe([this](const Partition& moved) { refill->look_at(moved); });
    table->on_removed([this](const LogId& removed) { refill->remove(removed); });
    table->on_cut_back([this](const Partition&) { ++cuts; });
  }

  Partition& open() {
    auto opened = table->open(topic(), PartitionId(0), kNoEpoch);
    REQUIRE(opened);
    return **opened;
  }

  static constexpr std::uint32_t bytes_max = 4'000;

  pipe::World& world;
  storage::PosixDisk disk;
  std::unique_ptr<storage::StorageEngine> engine;
  std::optional<PartitionTable> table;
  std::optional<Refill> refill;
  int cuts = 0;
};

struct Damage {
  Damage() {
    root.open(kLog);
    root.start_client();
    Child before(world, data());
    auto& partition = before.open();
    for (const auto& batch : batches) REQUIRE(partition.store(batch, Offset(kBatches), 0));
    REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
    const auto segments = partition.log()->segments();
    REQUIRE(segments.size() > 4);
    lost = {segments[1].base_offset, segments[2].base_offset};
    bad_file = segments[1].path;
    for (std::size_t i = 2; i < segments.size(); ++i) later.push_back(segments[i].path);
    before.table.reset();
    before.engine.reset();
    std::filesystem::remove(bad_file);
    for (const auto& path : later) times.push_back(std::filesystem::last_write_time(path));
  }

  [[nodiscard]] std::string data() const { return directory.file("data"); }

  // Gives the root those batches.
  void fill_root(const std::vector<Buffer>& with) {
    for (const auto& batch : with) REQUIRE(root.copy(kLog).log->append_as_is(batch));
    root.copy(kLog).high_watermark = root.copy(kLog).log->end_offset();
    root.server().notify(kLog);
  }

  [[nodiscard]] double metric(const std::string& name) const {
    const auto text = world.metrics.text();
    const auto at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + name.size() + 2));
  }

  [[nodiscard]] Buffer expected() const {
    Buffer all;
    for (const auto& batch : batches) xylem::append(batch, all);
    return all;
  }

  TemporaryDirectory directory{fast_directory()};
  mutable pipe::World world;
  pipe::Node root{world, "root-0"};
  std::vector<Buffer> batches = history();
  storage::OffsetRange lost;
  std::string bad_file;
  std::vector<std::string> later;
  std::vector<std::filesystem::file_time_type> times;
};

Buffer all_of(const Partition& partition) {
  const auto read = partition.log()->read(Offset(0), 1'000'000, partition.high_watermark());
  REQUIRE(read);
  Buffer all;
  auto cursor = Offset(0);
  while (cursor < partition.high_watermark()) {
    const auto part = partition.log()->read(cursor, 1'000'000, partition.high_watermark());
    REQUIRE(part);
    REQUIRE(part->bytes > 0);
    xylem::append(storage::testing::bytes_in(*part), all);
    cursor = part->next;
  }
  return all;
}

TEST_CASE_FIXTURE(Damage, "refill: only what was lost is pulled, and it goes back to its place") {
  fill_root(batches);
  Child child(world, data());
  auto& partition = child.open();
  CHECK(partition.high_watermark() == lost.from);
  CHECK(child.refill->missing() == 1);
  run_for(world.loop, 3);
  CHECK(partition.high_watermark() == lost.from);  // nobody to ask yet
  const auto before = metric("xylem_pipe_received_bytes_total");
  child.refill->set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
  CHECK(child.refill->missing() == 0);
  CHECK(all_of(partition) == expected());
  const auto lost_bytes =
      static_cast<double>((lost.to - lost.from)) * static_cast<double>(batches[0].size());
  CHECK(metric("xylem_pipe_received_bytes_total") - before < lost_bytes + 5'000);
  CHECK(metric("xylem_pipe_partitions_repaired_total") == 1);
  CHECK(child.cuts == 0);
  for (std::size_t i = 0; i + 1 < later.size(); ++i)
    CHECK(std::filesystem::last_write_time(later[i]) == times[i]);
}

TEST_CASE_FIXTURE(Damage, "refill: what the parent's neighbour leads comes from there") {
  fill_root(batches);
  pipe::Node neighbour(world, "root-1");
  neighbour.leave_to(kLog, root);
  Child child(world, data());
  auto& partition = child.open();
  child.refill->set_parents({neighbour.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
  CHECK(all_of(partition) == expected());
  CHECK(child.cuts == 0);
}

TEST_CASE_FIXTURE(Damage, "refill: several ranges come back one after the other") {
  fill_root(batches);
  std::filesystem::remove(later.at(1));
  Child child(world, data());
  auto& partition = child.open();
  CHECK(partition.log()->lost().size() == 2);
  child.refill->set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
  CHECK(all_of(partition) == expected());
  CHECK(child.cuts == 0);
}

TEST_CASE_FIXTURE(Damage, "refill: what the parent does not have any more either is closed") {
  auto kept = batches;
  const auto from = static_cast<std::ptrdiff_t>(lost.from.value());
  const auto to = static_cast<std::ptrdiff_t>(lost.to.value());
  SUBCASE("nothing is left") { kept.erase(kept.begin() + from, kept.begin() + to); }
  SUBCASE("one batch is left") { kept.erase(kept.begin() + from + 1, kept.begin() + to); }
  SUBCASE("all but the first is left") { kept.erase(kept.begin() + from); }
  fill_root(kept);
  for (int start = 0; start < 2; ++start) {
    Child child(world, data());
    auto& partition = child.open();
    child.refill->set_parents({root.as_parent()});
    if (start == 1) CHECK(partition.log()->lost().empty());
    REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
    Buffer want;
    for (const auto& batch : kept) xylem::append(batch, want);
    CHECK(all_of(partition) == want);
    CHECK(child.cuts == 0);
  }
}

TEST_CASE_FIXTURE(Damage, "refill: a parent with another history leaves nothing but cutting back") {
  SUBCASE("another batch below the damage") {
    batches[static_cast<std::size_t>(lost.from.value()) - 1] =
        storage::testing::placed(testing::batch_of("other"), lost.from + -1, Epoch(1));
    fill_root(batches);
  }
  SUBCASE("it begins later") {
    fill_root(batches);
    REQUIRE(root.copy(kLog).log->drop_before(lost.to));
  }
  SUBCASE("a batch lies across the end of the damage") {
    batches.resize(static_cast<std::size_t>(lost.from.value()));
    batches.push_back(storage::testing::placed(
        testing::batch_of("wide", static_cast<int>(lost.to - lost.from) + 1), lost.from, Epoch(1)));
    batches.push_back(storage::testing::placed(testing::batch_of("last"), lost.to + 1, Epoch(1)));
    fill_root(batches);
  }
  Child child(world, data());
  auto& partition = child.open();
  child.refill->set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return child.cuts == 1; }));
  CHECK(partition.log()->lost().empty());
  CHECK(partition.log()->end_offset() == lost.from);
  CHECK(partition.high_watermark() == lost.from);
  CHECK(child.refill->missing() == 0);
  CHECK(metric("xylem_pipe_partitions_given_up_total") == 1);
}

TEST_CASE_FIXTURE(Damage,
                  "refill: a parent that is behind or does not know the topic is waited for") {
  const auto half = batches.begin() + static_cast<std::ptrdiff_t>(lost.from.value()) + 1;
  Child child(world, data());
  auto& partition = child.open();
  SUBCASE("behind") {
    child.refill->set_parents({root.as_parent()});
    run_for(world.loop, 20);
    fill_root({batches.begin(), half});
    REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == lost.from + 1; }));
  }
  SUBCASE("does not know it") {
    root.copies().clear();
    child.refill->set_parents({root.as_parent()});
    run_for(world.loop, 20);
    CHECK(child.refill->missing() == 1);
    root.open(kLog);
    fill_root({batches.begin(), half});
  }
  CHECK(child.cuts == 0);
  fill_root({half, batches.end()});
  REQUIRE(run_until(world.loop, [&] { return partition.high_watermark() == Offset(kBatches); }));
  CHECK(all_of(partition) == expected());
}

TEST_CASE_FIXTURE(Damage, "refill: a partition that is removed is forgotten") {
  fill_root(batches);
  Child child(world, data());
  (void)child.open();
  CHECK(child.refill->missing() == 1);
  REQUIRE(child.table->remove(kLog));
  CHECK(child.refill->missing() == 0);
  child.refill->set_parents({root.as_parent()});
  run_for(world.loop, 5);
}

}  // namespace
}  // namespace xylem::broker
