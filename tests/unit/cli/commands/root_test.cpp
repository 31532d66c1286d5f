#include "cli/commands/root.h"

#include "storage/identity/cluster_file.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::cli {
namespace {

const auto kOurs = Uuid::from_words(1, 2);

bool may_found(const std::string& data_dir) {
  storage::PosixDisk disk;
  return storage::is_founder(disk, data_dir).value();
}

void found(const std::string& data_dir) {
  storage::PosixDisk disk;
  REQUIRE(storage::founded(disk, data_dir));
}

TEST_CASE("a root gets a cluster once, and keeps it") {
  const TemporaryDirectory directory;
  const auto data_dir = directory.file("a/b");
  const auto made = init_root(data_dir, std::nullopt);
  REQUIRE(made);
  CHECK_FALSE(made->is_nil());
  CHECK(init_root(data_dir, std::nullopt) == *made);
  CHECK(init_root(data_dir, *made) == *made);
  CHECK(init_root(data_dir, kOurs).error().code() == Errc::kAlreadyExists);
}

TEST_CASE("a cluster may be given") {
  const TemporaryDirectory directory;
  CHECK(init_root(directory.path(), kOurs) == kOurs);
  CHECK(may_found(directory.path()));
}

TEST_CASE("a new root may found the quorum, once") {
  const TemporaryDirectory directory;
  const auto data_dir = directory.path();
  REQUIRE(init_root(data_dir, std::nullopt));
  CHECK(may_found(data_dir));
  found(data_dir);
  REQUIRE(init_root(data_dir, std::nullopt));
  CHECK_FALSE(may_found(data_dir));
}

TEST_CASE("a root on a replaced disk never founds the quorum") {
  const TemporaryDirectory directory;
  const auto data_dir = directory.path();
  SUBCASE("an empty one") {}
  SUBCASE("one that was prepared as a new one") { REQUIRE(init_root(data_dir, kOurs)); }
  SUBCASE("one whose preparation was broken off") {
    storage::PosixDisk disk;
    REQUIRE(storage::mark_founder(disk, data_dir));
  }
  CHECK(init_root(data_dir, kOurs, RootDisk::kReplacement) == kOurs);
  CHECK_FALSE(may_found(data_dir));
}

TEST_CASE("a disk of another cluster is left as it is") {
  const TemporaryDirectory directory;
  REQUIRE(init_root(directory.path(), std::nullopt));
  CHECK_FALSE(init_root(directory.path(), kOurs, RootDisk::kReplacement));
  CHECK(may_found(directory.path()));
}

TEST_CASE("the disks of a root tier get one cluster, which all of them may found") {
  const TemporaryDirectory directory;
  const std::vector dirs = {directory.file("0"), directory.file("1"), directory.file("2")};
  const auto made = init_root_tier(dirs);
  REQUIRE(made);
  for (const auto& dir : dirs) {
    CHECK(init_root(dir, *made) == *made);
    CHECK(may_found(dir));
  }
  CHECK(init_root_tier(dirs) == *made);
}

TEST_CASE("an empty disk of a root tier founds only what was not founded yet") {
  const TemporaryDirectory directory;
  const std::vector dirs = {directory.file("0"), directory.file("1"), directory.file("2")};
  REQUIRE(init_root(dirs[1], kOurs));
  REQUIRE(init_root(dirs[2], kOurs));
  SUBCASE("a preparation that was broken off") {
    CHECK(init_root_tier(dirs) == kOurs);
    CHECK(may_found(dirs[0]));
  }
  SUBCASE("a disk that was lost") {
    found(dirs[2]);
    CHECK(init_root_tier(dirs) == kOurs);
    CHECK_FALSE(may_found(dirs[0]));
    CHECK(may_found(dirs[1]));  // it heard nothing yet
  }
}

TEST_CASE("disks of two clusters are no root tier") {
  const TemporaryDirectory directory;
  const std::vector dirs = {directory.file("0"), directory.file("1")};
  REQUIRE(init_root(dirs[0], std::nullopt));
  REQUIRE(init_root(dirs[1], kOurs));
  CHECK(init_root_tier(dirs).error().code() == Errc::kAlreadyExists);
}

}  // namespace
}  // namespace xylem::cli
