#include "broker/topology/topology.h"

#include "broker/topology/topology_cache.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <fstream>

namespace xylem::broker {
namespace {

Topology example() {
  Topology topology;
  topology.node = "pos-0";
  topology.role = Role::kPos;
  topology.version = 17;
  topology.cluster = ClusterId::from_words(1, 2);
  topology.parents = {{"l3-0", "L3", "eu/s1", "http://a:1", "a:2", "a:3"}};
  topology.roots = {{"root-0", "ROOT", "", "http://r:1", "r:2", "r:3"}};
  topology.topics = {"prices", "rules-*"};
  topology.heartbeat_ms = 1'000;
  return topology;
}

TEST_CASE("topology: its JSON is read back to the same") {
  const auto back = topology_from_json(to_json(example()));
  REQUIRE(back);
  CHECK(*back == example());
}

TEST_CASE("topology: carries names and prefixes") {
  const auto topology = example();
  CHECK(topology.carries("prices"));
  CHECK_FALSE(topology.carries("prices2"));
  CHECK(topology.carries("rules-a"));
  CHECK_FALSE(topology.carries("rule"));
}

TEST_CASE("topology: a field that is missing or wrong is named") {
  for (const auto* json :
       {"", "[]", "{}", R"({"nodeId":"a","role":"KING"})",
        R"({"nodeId":"a","role":"POS","parents":{},"roots":[],"topics":[]})",
        R"({"nodeId":"a","role":"POS","parents":[{}],"roots":[],"topics":[]})",
        R"({"nodeId":"a","role":"POS","parents":[],"roots":[],"topics":[1]})",
        R"({"nodeId":"../a","role":"POS","parents":[],"roots":[],"topics":[]})"}) {
    CAPTURE(json);
    const auto topology = topology_from_json(json);
    REQUIRE_FALSE(topology);
    CHECK(topology.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("topology cache: what was saved is loaded, for that node only") {
  const TemporaryDirectory directory;
  storage::PosixDisk disk;
  TopologyCache cache(disk, directory.path());
  auto none = cache.load("pos-0");
  REQUIRE(none);
  CHECK_FALSE(*none);
  REQUIRE(cache.save(example()));
  const auto loaded = TopologyCache(disk, directory.path()).load("pos-0");
  REQUIRE(loaded);
  CHECK(*loaded == example());
  const auto other = cache.load("pos-1");
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == Errc::kCorrupt);
}

TEST_CASE("topology cache: a damaged file is said to be so") {
  const TemporaryDirectory directory;
  storage::PosixDisk disk;
  TopologyCache cache(disk, directory.path());
  REQUIRE(cache.save(example()));
  std::ofstream(directory.file("topology.json")) << "{\"nodeId\":";
  const auto loaded = cache.load("pos-0");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kCorrupt);
}

}  // namespace
}  // namespace xylem::broker
