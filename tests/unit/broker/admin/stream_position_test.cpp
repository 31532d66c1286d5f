#include "broker/admin/stream_position.h"

#include "storage/partition_log.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::uint64_t kHigh = 0x3f1c9a0b7e52d418;
const Incarnation kHistory{Uuid::from_words(kHigh, 7), 2};

StreamPlace place(std::int32_t partition, std::int64_t next) {
  return {PartitionId(partition), Offset(next)};
}

TEST_CASE("stream position: its text") {
  const std::vector first{place(0, 17), place(1, 5), place(2, 33)};
  CHECK(position_text(kHistory, first) == "3f1c9a0b7e52d418.2@17,5,33");
  const std::vector some{place(3, 17), place(4, 5), place(8, 2)};
  CHECK(position_text(kHistory, some) == "3f1c9a0b7e52d418.2@3:17,5,8:2");
}

TEST_CASE("stream position: what is written is read again") {
  const std::vector<std::vector<StreamPlace>> all{
      {place(0, 0)},
      {place(0, 0), place(1, 1), place(7, 7), place(8, storage::kOffsetMax.value())},
      {place(INT32_MAX - 1, 5)}};
  for (const auto& places : all) {
    const auto text = position_text(kHistory, places);
    CAPTURE(text);
    const auto read = position_places(text, kHistory);
    REQUIRE(read);
    CHECK(*read == places);
  }
}

TEST_CASE("stream position: another history's is told from no position at all") {
  for (const auto* of : {"3f1c9a0b7e52d418.1@5", "3f1c9a0b7e52d419.2@5"})
    CHECK(position_places(of, kHistory).error().code() == Errc::kStaleGeneration);
  for (const auto* bad : {"",
                          "@",
                          "5",
                          "3f1c9a0b7e52d418@5",
                          "3f1c9a0b7e52d418.2",
                          "3f1c9a0b7e52d418.2@",
                          "3f1c9a0b7e52d418.2@x",
                          "3f1c9a0b7e52d418.2@5,",
                          "3f1c9a0b7e52d418.2@,5",
                          "3f1c9a0b7e52d418.2@-1",
                          "3f1c9a0b7e52d418.2@05",
                          "3f1c9a0b7e52d418.2@5 ",
                          "3f1c9a0b7e52d418.2@0:5",
                          "3f1c9a0b7e52d418.2@3:5,3:6",
                          "3f1c9a0b7e52d418.2@3:5,2:6",
                          "3f1c9a0b7e52d418.2@3:",
                          "3f1c9a0b7e52d418.2@:3",
                          "3f1c9a0b7e52d418.x@5",
                          "3f1c9a0b7e52d418.2@4611686018427387905",
                          "3f1c9a0b7e52d418.2@2147483647:1"}) {
    CAPTURE(bad);
    const auto read = position_places(bad, kHistory);
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("stream position: no more partitions than a stream has") {
  std::string text = "3f1c9a0b7e52d418.2@0";
  for (std::size_t i = 1; i < kStreamPartitionsMax; ++i) text += ",0";
  CHECK(position_places(text, kHistory));
  CHECK_FALSE(position_places(text + ",0", kHistory));
}

}  // namespace
}  // namespace xylem::broker
