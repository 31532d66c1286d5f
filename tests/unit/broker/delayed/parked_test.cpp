#include "broker/delayed/parked.h"

#include "broker/delayed/promotions.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace xylem::broker {
namespace {

const Target kTarget{Uuid::from_words(0x1112131415161718, 0x191A1B1C1D1E1F20), PartitionId(12)};

const std::string kTargetText(
    "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F\x20"
    "\x00\x00\x00\x0C",
    20);

const std::string kParkedKey("\x01\x00\x00\x00\x00\x00\x00\x00\x07", 9);
const std::string kParkedValue =
    std::string("\x01", 1) + kTargetText +
    std::string("\x00\x00\x01\x02\x03\x04\x05\x06\x03\x00\x00\x00\x02", 13) + "kkvalue";

const Intent kIntent{.target = kTarget,
                     .generation = 2,
                     .producer = 0x0102030405060708,
                     .life = 3,
                     .sequence = 4,
                     .since = Offset(5),
                     .parked = {Offset(7), Offset(6)}};
const std::string kIntentKey = std::string("\x02", 1) + kTargetText;
const std::string kIntentValue(
    "\x01\x00\x00\x00\x02\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x03\x00\x00\x00\x04"
    "\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02"
    "\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x06",
    49);

// Of what outlives it.
RecordView view(std::string_view key, std::optional<std::string_view> value) {
  RecordView record;
  record.offset = Offset(7);
  record.key = bytes_of(key);
  if (value) record.value = bytes_of(*value);
  return record;
}

RecordView view(const Record& record) {
  auto seen = view(*record.key, record.value);
  seen.timestamp_ms = record.timestamp_ms;
  for (const auto& [key, value] : record.headers)
    seen.headers.push_back({key, value ? std::optional(bytes_of(*value)) : std::nullopt});
  return seen;
}

// A failure here loses every record that waits.
TEST_CASE("parked record: its bytes never change") {
  RecordView record = view("kk", "value");
  record.timestamp_ms = 99;
  record.headers = {{.key = "h", .value = bytes_of("x")}, {.key = "n", .value = std::nullopt}};
  const auto parked = parked_record(record, kTarget, 0x0000010203040506, Offset(7));
  CHECK(parked.key == kParkedKey);
  CHECK(parked.value == kParkedValue);
  const auto entry = delayed_entry(view(parked));
  REQUIRE(entry);
  const auto& known = std::get<Parked>(*entry);
  CHECK(known.target == kTarget);
  CHECK(known.due_ms == 0x0000010203040506);
  CHECK(known.offset == Offset(7));
  CHECK(known.bytes == kParkedKey.size() + kParkedValue.size() + 3);
  const auto original = original_record(view(parked));
  REQUIRE(original);
  CHECK(original->key == "kk");
  CHECK(original->value == "value");
  CHECK(original->timestamp_ms == 99);
  REQUIRE(original->headers.size() == 2);
  CHECK(original->headers[0].second == "x");
  CHECK_FALSE(original->headers[1].second);
}

TEST_CASE("parked record: no key, no value, and empty ones stay what they are") {
  for (const bool has_key : {false, true}) {
    for (const bool has_value : {false, true}) {
      RecordView record;
      if (has_key) record.key = Bytes();
      if (has_value) record.value = Bytes();
      const auto parked = parked_record(record, kTarget, 1, Offset(7));
      REQUIRE(parked.value);
      const auto original = original_record(view(parked));
      REQUIRE(original);
      CHECK(original->key.has_value() == has_key);
      CHECK(original->value.has_value() == has_value);
    }
  }
}

TEST_CASE("intent: its bytes never change") {
  CHECK(intent_key(kTarget) == kIntentKey);
  CHECK(intent_value(kIntent) == kIntentValue);
  const auto entry = delayed_entry(view(kIntentKey, kIntentValue));
  REQUIRE(entry);
  CHECK(std::get<Intent>(*entry) == kIntent);
}

TEST_CASE("delayed entries: tombstones say what is over") {
  const auto key = parked_key(Offset(123));
  const auto promoted = delayed_entry(view(key, std::nullopt));
  REQUIRE(promoted);
  CHECK(std::get<Promoted>(*promoted).parked == Offset(123));
  const auto forgotten = delayed_entry(view(kIntentKey, std::nullopt));
  REQUIRE(forgotten);
  CHECK(std::get<Forgotten>(*forgotten).target == kTarget);
}

TEST_CASE("delayed entries: every cut is refused, and what no broker has written") {
  for (std::size_t size = 0; size < kIntentValue.size(); ++size)
    CHECK_FALSE(delayed_entry(view(kIntentKey, std::string_view(kIntentValue).substr(0, size))));
  const auto longer = kIntentValue + "x";
  CHECK_FALSE(delayed_entry(view(kIntentKey, longer)));
  for (std::size_t size = 0; size < kParkedValue.size() - 5; ++size)
    CHECK_FALSE(delayed_entry(view(kParkedKey, std::string_view(kParkedValue).substr(0, size))));
  for (std::size_t size = 0; size < kIntentKey.size(); ++size)
    CHECK_FALSE(delayed_entry(view(std::string_view(kIntentKey).substr(0, size), std::nullopt)));
  const auto elsewhere = parked_key(Offset(8));
  CHECK_FALSE(delayed_entry(view(elsewhere, kParkedValue)));
  for (const std::size_t at : {0U, 17U, 21U, 29U}) {  // version, partition, due time, flags
    auto wrong = kParkedValue;
    wrong[at] = '\x80';
    CHECK_FALSE(delayed_entry(view(kParkedKey, wrong)));
    CHECK_FALSE(original_record(view(kParkedKey, wrong)));
  }
  for (const std::size_t at : {0U, 5U, 13U, 17U, 21U, 29U}) {
    auto wrong = kIntentValue;
    wrong[at] = '\x80';
    CHECK_FALSE(delayed_entry(view(kIntentKey, wrong)));
  }
  CHECK_FALSE(original_record(view(kIntentKey, kIntentValue)));
  CHECK_FALSE(delayed_entry(RecordView()));
}

TEST_CASE("delayed producer ids: unlike for other partitions, generations, targets and lives") {
  std::set<std::int64_t> ids;
  for (std::uint32_t generation = 0; generation < 4; ++generation) {
    for (std::int32_t home = 0; home < 4; ++home) {
      for (std::int32_t partition = 0; partition < 4; ++partition) {
        for (const std::int32_t life : {0, 1 << 15}) {
          const LogId log{{TopicId(), generation}, PartitionId(home)};
          ids.insert(promoter_id(log, {kTarget.topic, PartitionId(partition)}, life));
        }
      }
    }
  }
  CHECK(ids.size() == 4 * 4 * 4 * 2);
  CHECK(*ids.begin() >= 0);
  CHECK(parker_id(1, kTarget) != parker_id(2, kTarget));
  CHECK(parker_id(1, kTarget) != parker_id(1, {kTarget.topic, PartitionId(0)}));
}

}  // namespace
}  // namespace xylem::broker
