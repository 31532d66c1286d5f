#include "broker/dead_letters/dead_letter.h"

#include "common/batch/batch_builder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace xylem::broker {
namespace {

const GroupPartition kWhere{"g", "t", PartitionId(2)};
const DeliveryCount kCount{.offset = Offset(7), .failures = 3, .reason = "why"};

// As a reader is given it.
bool is_of(const Record& letter,
           const GroupPartition& where,
           const DeliveryCount& count,
           Epoch epoch) {
  BatchBuilder builder;
  REQUIRE(builder.add(letter));
  const auto batch = builder.build();
  auto reader = BatchReader::open(*batch);
  REQUIRE(reader);
  const auto record = reader->next();
  REQUIRE((record && *record));
  return is_dead_letter_of(**record, where, count, epoch);
}

TEST_CASE("dead letter: known by its record and its group") {
  const auto letter = dead_letter({.value = "v"}, Epoch(4), kWhere, kCount, 99);
  CHECK(is_of(letter, kWhere, kCount, Epoch(4)));
  CHECK_FALSE(is_of(letter, kWhere, kCount, Epoch(5)));
  CHECK_FALSE(is_of(letter, {"h", "t", PartitionId(2)}, kCount, Epoch(4)));
  CHECK_FALSE(is_of(letter, {"g", "u", PartitionId(2)}, kCount, Epoch(4)));
  CHECK_FALSE(is_of(letter, {"g", "t", PartitionId(1)}, kCount, Epoch(4)));
  CHECK_FALSE(is_of(letter, kWhere, {.offset = Offset(8), .reason = {}}, Epoch(4)));
  CHECK_FALSE(is_of({.value = "v"}, kWhere, kCount, Epoch(4)));
}

TEST_CASE("dead letter: a tombstone stays one; of earlier dead letters' headers nothing stays") {
  Record record{.key = "k", .headers = {{"a", "1"}, {"xylem-dlq-group", "old"}, {"b", {}}}};
  const auto letter = dead_letter(record, Epoch(4), kWhere, kCount, 99);
  CHECK_FALSE(letter.value);
  REQUIRE(letter.headers.size() == 10);
  CHECK(letter.headers[0].first == "a");
  CHECK(letter.headers[1].first == "b");
  CHECK(letter.headers.back() ==
        std::pair<std::string, std::optional<std::string>>("xylem-dlq-time", "99"));
}

TEST_CASE("dead letter: as many headers as a record may have") {
  Record record{.value = "v"};
  record.headers.resize(kRecordHeadersMax, {"h", "1"});
  const auto letter = dead_letter(record, Epoch(4), kWhere, kCount, 99);
  CHECK(letter.headers.size() == kRecordHeadersMax);
  CHECK(is_of(letter, kWhere, kCount, Epoch(4)));
}

}  // namespace
}  // namespace xylem::broker
