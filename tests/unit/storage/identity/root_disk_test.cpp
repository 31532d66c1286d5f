#include "storage/identity/root_disk.h"

#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/fault_disk.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::storage {
namespace {

struct World {
  void make(const std::string& name) { REQUIRE(disk.make_directories(data_dir + name)); }

  [[nodiscard]] bool is_refused(bool is_alone) {
    const auto answer = check_root_disk(disk, data_dir, is_alone);
    return !answer && answer.error().code() == Errc::kInvalidRequest &&
           !answer.error().hint().empty();
  }

  testing::FaultDisk disk;
  TemporaryDirectory directory;
  std::string data_dir = directory.path();
};

TEST_CASE("an empty disk may become either kind of root broker") {
  World world;
  world.make("/logs");
  CHECK(check_root_disk(world.disk, world.data_dir, true));
  CHECK(check_root_disk(world.disk, world.data_dir, false));
}

TEST_CASE("what a root broker kept alone is no tier's") {
  World world;
  world.make("/logs/prices-1");
  CHECK(check_root_disk(world.disk, world.data_dir, true));
  CHECK(world.is_refused(false));
}

TEST_CASE("a member's disk is not used alone, nor without its quorum") {
  World world;
  world.make("/logs/prices-1");
  REQUIRE(replace_file(world.disk, world.data_dir + "/disk.json", {}));
  CHECK(world.is_refused(true));
  CHECK(world.is_refused(false));
  world.make("/quorum");
  CHECK(world.is_refused(true));
  CHECK(check_root_disk(world.disk, world.data_dir, false));
}

}  // namespace
}  // namespace xylem::storage
