#include "broker/dead_letters/dead_letter.h"

#include "common/batch/batch_builder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

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

// What is stored of it.
Record stored(const Record& record) {
  const auto batch = dead_letter_batch(record, Epoch(4), kWhere, kCount, 99);
  REQUIRE(batch);
  CHECK(batch->size() <= kBatchBytesMax);
  auto reader = BatchReader::open(*batch);
  REQUIRE(reader);
  const auto letter = reader->next();
  REQUIRE((letter && *letter));
  CHECK(is_dead_letter_of(**letter, kWhere, kCount, Epoch(4)));
  return (*letter)->to_record();
}

using Header = std::pair<std::string, std::optional<std::string>>;

TEST_CASE("dead letter: what fits is whole, and says nothing of what was left out") {
  const auto letter = stored({.key = "k", .value = "v", .headers = {{"a", "1"}}});
  CHECK(letter.value == "v");
  CHECK(letter.headers.front() == Header("a", "1"));
  CHECK(letter.headers.back() == Header("xylem-dlq-time", "99"));
}

TEST_CASE("dead letter: of what is too large for a batch the value goes first, then the rest") {
  Record record{.key = "k", .value = "v", .headers = {{"a", "1"}}};
  const std::string large(kBatchBytesMax - 100, 'x');  // room for itself, and not for our headers
  SUBCASE("the value") {
    record.value = large;
    const auto letter = stored(record);
    CHECK(letter.key == "k");
    CHECK_FALSE(letter.value);
    CHECK(letter.headers.front() == Header("a", "1"));
    CHECK(letter.headers.back() == Header("xylem-dlq-left-out", "value"));
  }
  SUBCASE("headers") {
    record.headers = {{"a", large}};
    const auto letter = stored(record);
    CHECK(letter.key == "k");
    CHECK(letter.headers.size() == 9);
    CHECK(letter.headers.back() == Header("xylem-dlq-left-out", "value,headers"));
  }
  SUBCASE("headers of a tombstone") {
    record.value.reset();
    record.headers = {{"a", large}};
    CHECK(stored(record).headers.back() == Header("xylem-dlq-left-out", "headers"));
  }
  SUBCASE("the key") {
    record.key = large;
    const auto letter = stored(record);
    CHECK_FALSE(letter.key);
    CHECK(letter.headers.back() == Header("xylem-dlq-left-out", "value,headers,key"));
  }
}

}  // namespace
}  // namespace xylem::broker
