// A log that is carried over to its topic's next generation: all of it is there, under one name.
#include "tests/sim/sim_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::storage::testing {
namespace {

LogName of_generation(std::uint32_t generation, std::int32_t partition = 0) {
  auto name = log_name(partition);
  name.id.incarnation.generation = generation;
  return name;
}

Buffer content(const PartitionLog& log) {
  auto read = log.read(log.start_offset(), 1'000'000, kAll);
  REQUIRE(read);
  return bytes_in(*read);
}

// Some batches in two epochs, synced.
Buffer fill(Node& node) {
  const auto log = node.open();
  for (int i = 0; i < 4; ++i) {
    REQUIRE(log->append(batch_of(3, 120), Epoch(i / 2)));
    node.settle(*log);
  }
  return content(*log);
}

std::vector<LogId> known(const Node& node) {
  std::vector<LogId> ids;
  for (const auto& name : node.engine->logs()) ids.push_back(name.id);
  return ids;
}

void check_whole(Node& node, const LogName& name, const Buffer& before) {
  const auto log = node.engine->open(name, {});
  REQUIRE(log);
  CHECK((*log)->name().id == name.id);
  CHECK(content(**log) == before);
  CHECK((*log)->epochs().size() == 2);
  CHECK((*log)->append(batch_of(1), Epoch(2)) == Offset(12));
  node.settle(**log);
  CHECK((*log)->durable_end() == Offset(13));
}

TEST_CASE("carry over: the newest earlier generation's log takes the new name") {
  for (const auto* type : {"memory", "mmap"}) {
    CAPTURE(type);
    TemporaryDirectory directory(fast_directory());
    Node node(type, directory.file("data"));
    const auto before = fill(node);
    REQUIRE(node.engine->open(of_generation(0, 1), {}));
    REQUIRE(node.engine->carry_over(of_generation(3)));
    CHECK(known(node) == std::vector{of_generation(0, 1).id, of_generation(3).id});
    check_whole(node, of_generation(3), before);
    REQUIRE(node.engine->carry_over(of_generation(3)));  // it has one of its own
    CHECK(known(node).size() == 2);
    REQUIRE(node.engine->carry_over(of_generation(2)));  // what is newer stays
    CHECK(known(node).size() == 2);
    REQUIRE(node.engine->carry_over(of_generation(1, 7)));
    CHECK(known(node).size() == 2);
  }
}

TEST_CASE("carry over: readers of the old log keep what they have, and get no more") {
  TemporaryDirectory directory(fast_directory());
  Node node("mmap", directory.file("data"));
  const auto before = fill(node);
  const auto old = node.open();
  const auto slices = old->read(Offset(0), 1'000'000, kAll);
  REQUIRE(slices);
  REQUIRE(node.engine->carry_over(of_generation(1)));
  CHECK(bytes_in(*slices) == before);
  CHECK_FALSE(old->append(batch_of(1), Epoch(5)));
  check_whole(node, of_generation(1), before);
}

TEST_CASE("carry over: whichever call fails, all is there after another try or a restart") {
  bool passed = false;
  int refused = 0;
  for (int call = 1; call <= 60 && !passed; ++call) {
    CAPTURE(call);
    TemporaryDirectory directory(fast_directory());
    FaultDisk disk;
    Node node("mmap", directory.file("data"), &disk);
    const auto before = fill(node);
    disk.plan.arm(Fault::kIo, call, false);
    const auto carried = node.engine->carry_over(of_generation(1));
    passed = !disk.plan.has_fired();
    if (passed) CHECK(carried);
    disk.plan.disarm();
    if (!node.engine->carry_over(of_generation(1))) {
      ++refused;  // its last words did not reach the disk: only a start proves the log again
      CHECK_FALSE(node.engine->carry_over(of_generation(1)));
      node.stop();
      REQUIRE(node.try_open({}));
      REQUIRE(node.engine->carry_over(of_generation(1)));
    }
    CHECK(known(node) == std::vector{of_generation(1).id});
    check_whole(node, of_generation(1), before);
  }
  CHECK(passed);
  CHECK(refused > 0);
}

TEST_CASE("carry over: a power cut at any step leaves one of the names, with all that was synced") {
  bool passed = false;
  for (std::uint64_t step = 1; step <= 60 && !passed; ++step) {
    CAPTURE(step);
    sim::SimDisk disk;
    Buffer before;
    {
      Node node("mmap", "/data", &disk);
      before = fill(node);
      disk.crash_at(disk.steps() + step, step);
      passed = node.engine->carry_over(of_generation(1)).has_value() && !disk.has_crashed();
      disk.crash_now();
    }
    disk.cut_power(sim::Survival::kSome, step);
    Node node("mmap", "/data", &disk);
    auto engine =
        open_storage("mmap", "/data",
                     {node.loop, disk, node.clock, Logger::none(), node.metrics, node.compaction});
    REQUIRE(engine);
    node.engine = std::move(*engine);
    CHECK(known(node).size() == 1);
    if (passed) CHECK(known(node).front() == of_generation(1).id);
    REQUIRE(node.engine->carry_over(of_generation(1)));
    check_whole(node, of_generation(1), before);
  }
  CHECK(passed);
}

}  // namespace
}  // namespace xylem::storage::testing
