#include "common/batch/batch_builder.h"
#include "common/batch/record.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace xylem {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'000;

Buffer golden(const std::string& name) {
  const auto path = std::string(XYLEM_TESTS_DIRECTORY) + "/golden/" + name + ".batch";
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

// What tests/golden/make_batches.cpp produced.
std::vector<Record> expected_records() {
  return {
      {"plain", "a value", {}, kTime},
      {"with headers",
       "another",
       {{"source", "golden"}, {"empty", ""}, {"null", std::nullopt}},
       kTime + 1},
      {std::nullopt, "no key", {}, kTime - 70'000},
      {"no value", std::nullopt, {}, kTime + 2},
      {"long", std::string(300, 'v'), {}, kTime + 100'000},
      {"", "", {}, kTime},
  };
}

void check_records(Bytes batch) {
  auto reader = BatchReader::open(batch);
  REQUIRE(reader);
  std::int64_t offset = 0;
  for (const auto& expected : expected_records()) {
    CAPTURE(offset);
    const auto read = reader->next();
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    CHECK((*read)->offset == Offset(offset++));
    const auto record = (*read)->to_record();
    CHECK(record.key == expected.key);
    CHECK(record.value == expected.value);
    CHECK(record.headers == expected.headers);
    CHECK(record.timestamp_ms == expected.timestamp_ms);
  }
  CHECK_FALSE(reader->next().has_value());
}

TEST_CASE("batch: what a Kafka client wrote is read, in every codec") {
  for (const std::string name : {"none", "gzip", "snappy", "lz4", "zstd", "idempotent"}) {
    CAPTURE(name);
    const auto batch = golden(name);
    const auto header = check_batch_deeply(batch);
    REQUIRE(header);
    CHECK(header->bytes == batch.size());
    const auto codec = header->compression();
    REQUIRE(codec);
    CHECK(to_string(*codec) == (name == "idempotent" ? "none" : name));
    CHECK(header->base_timestamp_ms == kTime);
    CHECK(header->max_timestamp_ms == kTime + 100'000);
    CHECK(header->last_offset_delta == 5);
    CHECK((header->producer_id >= 0) == (name == "idempotent"));
    check_records(batch);
  }
}

TEST_CASE("batch: what we write is what a Kafka client writes, byte for byte") {
  for (const std::string name : {"none", "idempotent"}) {
    CAPTURE(name);
    const auto theirs = golden(name);
    const auto header = check_batch(theirs);
    REQUIRE(header);
    BatchBuilder builder;
    for (const auto& record : expected_records()) REQUIRE(builder.add(record));
    const auto ours =
        builder.build({header->producer_id, header->producer_epoch, header->base_sequence});
    REQUIRE(ours);
    CHECK(*ours == theirs);
  }
}

TEST_CASE("batch: every flipped bit of a Kafka client's packed batch is found") {
  for (const std::string name : {"gzip", "snappy", "lz4", "zstd"}) {
    const auto good = golden(name);
    for (std::size_t bit = kBatchCrcFrom * 8; bit < good.size() * 8; ++bit) {
      auto bad = good;
      bad[bit / 8] ^= std::byte(1U << (bit % 8));
      CHECK_FALSE(check_batch(bad));
    }
  }
}

}  // namespace
}  // namespace xylem
