#include "storage/cluster_file.h"

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

}  // namespace
}  // namespace xylem::storage
