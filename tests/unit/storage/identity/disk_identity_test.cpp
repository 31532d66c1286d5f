#include "storage/identity/disk_identity.h"

#include "tests/sim/sim_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace xylem::storage {
namespace {

struct World {
  testing::FaultDisk disk;
  Random random{7};
  TemporaryDirectory directory;
  std::string data_dir = directory.path();

  Result<DiskIdentity> open() { return open_disk_identity(disk, random, data_dir); }

  [[nodiscard]] std::string path() const { return data_dir + "/disk.json"; }
};

TEST_CASE("a new disk gets an identity and keeps it, clean or not") {
  World world;
  const auto made = world.open();
  REQUIRE(made);
  CHECK_FALSE(made->disk.is_nil());
  CHECK(made->was_clean);
  const auto crashed = world.open();
  REQUIRE(crashed);
  CHECK(crashed->disk == made->disk);
  CHECK_FALSE(crashed->was_clean);
  REQUIRE(close_disk_identity(world.disk, world.data_dir, made->disk));
  const auto again = world.open();
  REQUIRE(again);
  CHECK(again->disk == made->disk);
  CHECK(again->was_clean);
  World other;
  other.random = Random(8);
  CHECK(other.open()->disk != made->disk);
}

TEST_CASE("a disk's identity is in the format promised") {
  World world;
  REQUIRE(close_disk_identity(world.disk, world.data_dir, Uuid::from_words(1, 2)));
  const auto text = read_file(world.disk, world.path(), 1'000);
  REQUIRE(text);
  CHECK(text_of(*text) == "{\"clean\":true,\"diskId\":\"00000000000000010000000000000002\"}\n");
}

TEST_CASE("a file that names no disk is corrupt, says what to do, and is not written over") {
  for (const std::string_view text :
       {"", "{", "[]", "{}", R"({"clean":true})",
        R"({"diskId":"00000000000000010000000000000002"})", R"({"clean":true,"diskId":7})",
        R"({"clean":1,"diskId":"00000000000000010000000000000002"})",
        R"({"clean":true,"diskId":"12"})",
        R"({"clean":true,"diskId":"00000000000000000000000000000000"})"}) {
    CAPTURE(text);
    World world;
    REQUIRE(replace_file(world.disk, world.path(), bytes_of(text)));
    const auto opened = world.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == Errc::kCorrupt);
    CHECK(opened.error().hint().contains("new one"));
    CHECK(text_of(*read_file(world.disk, world.path(), 1'000)) == text);
  }
}

TEST_CASE("whichever call fails, the disk stays itself and is never called clean too early") {
  for (const auto fault :
       {testing::Fault::kIo, testing::Fault::kDiskFull, testing::Fault::kShortWrite}) {
    int calls = 0;
    for (bool fires = true; fires; ++calls) {
      World world;
      const auto made = world.open();
      REQUIRE(made);
      world.disk.plan.arm(fault, calls + 1, false);
      const auto closed = close_disk_identity(world.disk, world.data_dir, made->disk);
      const auto opened = world.open();
      fires = world.disk.plan.has_fired();
      world.disk.plan.disarm();
      CHECK(fires == !(closed && opened));
      const auto next = world.open();
      REQUIRE(next);
      CHECK(next->disk == made->disk);
      if (opened) CHECK_FALSE(next->was_clean);
    }
    CHECK(calls > 8);
  }
}

TEST_CASE("a power cut at any call leaves the old identity or the new one") {
  for (std::uint64_t step = 1;; ++step) {
    CAPTURE(step);
    sim::SimDisk disk;
    Random random(step);
    REQUIRE(make_directories_durably(disk, "/data"));
    disk.crash_at(disk.steps() + step, step);
    const auto made = open_disk_identity(disk, random, "/data");
    if (made) (void)close_disk_identity(disk, "/data", made->disk);
    const auto opened = open_disk_identity(disk, random, "/data");
    if (!disk.has_crashed()) break;
    disk.cut_power(sim::Survival::kSome, step);
    const auto next = open_disk_identity(disk, random, "/data");
    REQUIRE(next);
    if (made) CHECK(next->disk == made->disk);
    if (opened) CHECK_FALSE(next->was_clean);
  }
}

}  // namespace
}  // namespace xylem::storage
