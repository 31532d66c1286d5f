#include "common/batch/record.h"

#include "common/batch/batch_builder.h"

#include <doctest/doctest.h>

namespace xylem {
namespace {

TEST_CASE("record: what was added comes back") {
  const Record first{"key", "value", {{"h", "1"}, {"null", std::nullopt}, {"", ""}}, 1'000};
  const Record second{std::nullopt, "", {}, -5};
  const Record tombstone{"", std::nullopt, {}, 70'000'000'000};
  BatchBuilder builder;
  for (const auto& record : {first, second, tombstone}) REQUIRE(builder.add(record));
  auto batch = builder.build();
  REQUIRE(batch);
  assign(*batch, Offset(10), Epoch(3));
  auto reader = BatchReader::open(*batch);
  REQUIRE(reader);
  std::int64_t expected = 10;
  for (const auto& record : {first, second, tombstone}) {
    const auto read = reader->next();
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    CHECK((*read)->offset == Offset(expected++));
    CHECK((*read)->is_tombstone() == !record.value);
    const auto copy = (*read)->to_record();
    CHECK(copy.key == record.key);
    CHECK(copy.value == record.value);
    CHECK(copy.headers == record.headers);
    CHECK(copy.timestamp_ms == record.timestamp_ms);
  }
  CHECK_FALSE(reader->next().has_value());
}

}  // namespace
}  // namespace xylem
