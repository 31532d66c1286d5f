#include "storage/identity/cluster_file.h"

#include "tests/sim/sim_disk.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace xylem::storage {
namespace {

const ClusterId kOurs = Uuid::from_words(1, 2);
const ClusterId kTheirs = Uuid::from_words(3, 4);

struct World {
  PosixDisk disk;
  TemporaryDirectory directory;
  std::string data_dir = directory.path();

  void write(std::string_view text) {
    REQUIRE(replace_file(disk, data_dir + "/cluster.json", bytes_of(text)));
  }
};

TEST_CASE("an empty disk belongs to no cluster") {
  World world;
  const auto cluster = read_cluster(world.disk, world.data_dir);
  REQUIRE(cluster);
  CHECK_FALSE(cluster->has_value());
}

TEST_CASE("the cluster written is the cluster read, in the format promised") {
  World world;
  REQUIRE(write_cluster(world.disk, world.data_dir, kOurs));
  CHECK(read_cluster(world.disk, world.data_dir).value() == kOurs);
  const auto text = read_file(world.disk, world.data_dir + "/cluster.json", 1'000);
  REQUIRE(text);
  CHECK(text_of(*text) == "{\"clusterId\":\"00000000000000010000000000000002\"}\n");
}

TEST_CASE("a node never moves to another cluster") {
  World world;
  REQUIRE(write_cluster(world.disk, world.data_dir, kOurs));
  CHECK(write_cluster(world.disk, world.data_dir, kOurs));
  CHECK(write_cluster(world.disk, world.data_dir, kTheirs).error().code() == Errc::kAlreadyExists);
  CHECK(read_cluster(world.disk, world.data_dir).value() == kOurs);
}

TEST_CASE("a file that names no cluster is corrupt, and is not written over") {
  for (const std::string_view text :
       {"", "{", "[]", "{}", R"({"clusterId":7})", R"({"clusterId":"12"})"}) {
    World world;
    world.write(text);
    CAPTURE(text);
    CHECK(read_cluster(world.disk, world.data_dir).error().code() == Errc::kCorrupt);
    CHECK(write_cluster(world.disk, world.data_dir, kOurs).error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("a disk may found the quorum from its mark on until that is done") {
  World world;
  CHECK_FALSE(is_founder(world.disk, world.data_dir).value());
  REQUIRE(founded(world.disk, world.data_dir));
  for (int i = 0; i < 2; ++i) REQUIRE(mark_founder(world.disk, world.data_dir));
  CHECK(is_founder(world.disk, world.data_dir).value());
  CHECK(read_file(world.disk, world.data_dir + "/quorum.found", 0)->empty());
  for (int i = 0; i < 2; ++i) REQUIRE(founded(world.disk, world.data_dir));
  CHECK_FALSE(is_founder(world.disk, world.data_dir).value());
}

TEST_CASE("a founder's mark, and that it is gone, survive a power cut") {
  sim::SimDisk disk;
  REQUIRE(make_directories_durably(disk, "/data"));
  REQUIRE(mark_founder(disk, "/data"));
  disk.crash_now();
  disk.cut_power(sim::Survival::kNone, 1);
  CHECK(is_founder(disk, "/data").value());
  REQUIRE(founded(disk, "/data"));
  disk.crash_now();
  disk.cut_power(sim::Survival::kNone, 1);
  CHECK_FALSE(is_founder(disk, "/data").value());
}

TEST_CASE("a founder's mark that could not be written or removed durably is said to be so") {
  for (std::uint64_t call = 1;; ++call) {
    sim::SimDisk disk;
    REQUIRE(make_directories_durably(disk, "/data"));
    disk.fail_at(call, sim::Fault::kIo, false);
    const auto marked = mark_founder(disk, "/data");
    const auto removed = founded(disk, "/data");
    if (!disk.has_failed()) break;
    CAPTURE(call);
    CHECK_FALSE((marked && removed));
    REQUIRE(founded(disk, "/data"));
    disk.crash_now();
    disk.cut_power(sim::Survival::kNone, call);
    CHECK_FALSE(is_founder(disk, "/data").value());
  }
}

}  // namespace
}  // namespace xylem::storage
