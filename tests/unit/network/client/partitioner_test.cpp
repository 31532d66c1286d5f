#include "network/client/partitioner.h"

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

namespace xylem::network {
namespace {

TEST_CASE("partitioner: murmur2 gives what Kafka's UtilsTest expects") {
  const std::pair<std::string_view, std::int32_t> cases[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [text, hash] : cases) {
    CAPTURE(text);
    CHECK(murmur2(bytes_of(text)) == hash);
  }
}

TEST_CASE("partitioner: the sign bit is dropped, not the sign") {
  CHECK(partition_by_key(bytes_of("21"), 10) == PartitionId((-973932308 & 0x7fffffff) % 10));
  CHECK(partition_by_key(bytes_of("abc"), 1) == PartitionId(0));
}

}  // namespace
}  // namespace xylem::network
