#include "common/batch/record.h"

#include "common/batch/batch_builder.h"
#include "common/batch/varint.h"
#include "common/random.h"

#include <doctest/doctest.h>

#include <limits>
#include <utility>

namespace xylem {
namespace {

void put(std::int64_t number, Buffer& out) {
  const auto at = out.size();
  out.resize(at + varint_bytes(number));
  put_varint(number, out.data() + at);
}

// A batch of one record whose body is `body`, with a right checksum.
Buffer batch_of(Bytes body) {
  Buffer batch(kBatchHeaderBytes);
  put(static_cast<std::int64_t>(body.size()), batch);
  append(body, batch);
  BatchHeader header;
  header.bytes = batch.size();
  header.record_count = 1;
  write_batch_header(header, batch);
  return batch;
}

Buffer body_of(std::initializer_list<std::int64_t> numbers) {
  Buffer body{std::byte{0}};  // attributes
  for (const auto number : numbers) put(number, body);
  return body;
}

bool is_corrupt(const Buffer& batch) {
  const auto checked = check_batch_deeply(batch);
  auto reader = BatchReader::open(batch);
  if (!reader) return !checked && checked.error().code() == Errc::kCorrupt;
  auto record = reader->next();
  REQUIRE(record.has_value());
  CHECK(record->has_value() == checked.has_value());
  if (record->has_value()) return false;
  CHECK(record->error().code() == Errc::kCorrupt);
  CHECK_FALSE(reader->next().has_value());  // an error ends the walk
  return checked.error().code() == Errc::kCorrupt;
}

std::optional<std::string> random_text(Random& random) {
  if (random.below(8) == 0) return std::nullopt;
  std::string text(random.below(random.below(20) == 0 ? 5'000 : 20), '\0');
  for (auto& c : text) c = static_cast<char>('a' + random.below(3));
  return text;
}

Record random_record(Random& random) {
  Record record;
  record.key = random_text(random);
  record.value = random_text(random);
  for (auto count = random.below(4) == 0 ? random.below(5) : 0; count > 0; --count)
    record.headers.emplace_back(random_text(random).value_or("h"), random_text(random));
  record.timestamp_ms = static_cast<std::int64_t>(random.next() >> random.below(64) >> 1U);
  return record;
}

void check_equal(const RecordView& read, const Record& expected) {
  const auto record = read.to_record();
  CHECK(read.is_tombstone() == !expected.value.has_value());
  CHECK(record.key == expected.key);
  CHECK(record.value == expected.value);
  CHECK(record.headers == expected.headers);
  CHECK(record.timestamp_ms == expected.timestamp_ms);
}

TEST_CASE("record: random batches come back, with their holes, in every codec") {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    BatchBuilder builder(static_cast<Compression>(random.below(5)));
    std::vector<std::pair<std::int32_t, Record>> model;
    std::int32_t delta = -1;
    for (auto count = 1 + random.below(40); count > 0; --count) {
      const auto record = random_record(random);
      const bool hole = random.below(4) == 0;
      delta += 1 + (hole ? static_cast<std::int32_t>(random.below(1'000)) : 0);
      BatchBuilder one;  // add_at takes views: read back what add() wrote
      REQUIRE(one.add(record));
      const auto single = one.build();
      REQUIRE(single);
      auto view = BatchReader::open(*single)->next();
      REQUIRE(view.has_value());
      if (hole) {
        REQUIRE(builder.add_at(delta, **view));
      } else {
        REQUIRE(builder.add(record));
      }
      model.emplace_back(delta, record);
    }
    CHECK(builder.count() == static_cast<std::int32_t>(model.size()));
    auto batch = builder.build();
    REQUIRE(batch);
    CHECK(builder.empty());
    assign(*batch, Offset(1'000), Epoch(2));
    REQUIRE(check_batch_deeply(*batch, OffsetHoles::kAllowed));
    auto reader = BatchReader::open(*batch);
    REQUIRE(reader);
    for (const auto& [at, record] : model) {
      const auto read = reader->next();
      REQUIRE(read.has_value());
      REQUIRE(read->has_value());
      CHECK((*read)->offset == Offset(1'000 + at));
      check_equal(**read, record);
    }
    CHECK_FALSE(reader->next().has_value());
  }
}

TEST_CASE("record: a reader that moved still reads") {
  for (const auto codec : {Compression::kNone, Compression::kLz4}) {
    BatchBuilder builder(codec);
    REQUIRE(builder.add({"key", std::string(200, 'v'), {}, 1}));
    const auto batch = builder.build();
    REQUIRE(batch);
    auto opened = BatchReader::open(*batch);
    REQUIRE(opened);
    BatchReader moved(std::move(*opened));
    const auto read = moved.next();
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    check_equal(**read, {"key", std::string(200, 'v'), {}, 1});
  }
}

TEST_CASE("record: impossible fields are corrupt") {
  // timestamp delta, offset delta, key length, value length, header count
  CHECK_FALSE(is_corrupt(batch_of(body_of({0, 0, -1, -1, 0}))));
  CHECK(is_corrupt(batch_of({})));
  CHECK(is_corrupt(batch_of(body_of({}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -2, -1, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -2, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, 100, -1, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, 100, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, -1}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, 1}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, 1, -1, -1}))));  // a header needs a key
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, 1, 0, -2}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, 0, 0}))));  // a byte too many
  CHECK(is_corrupt(batch_of(body_of({0, 1, -1, -1, 0}))));     // past the last offset delta
  CHECK(is_corrupt(batch_of(body_of({0, -1, -1, -1, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 1LL << 32, -1, -1, 0}))));
  constexpr auto kInt32Max = std::numeric_limits<std::int32_t>::max();
  CHECK(is_corrupt(batch_of(body_of({0, 0, kInt32Max, -1, 0}))));
  CHECK(is_corrupt(batch_of(body_of({0, 0, -1, -1, kInt32Max}))));
}

TEST_CASE("record: headers up to the limit, and not one more") {
  BatchBuilder builder;
  Record record;
  record.headers.resize(kRecordHeadersMax);
  REQUIRE(builder.add(record));
  const auto before = builder.bytes();
  record.headers.emplace_back();
  CHECK(builder.add(record).error().code() == Errc::kInvalidRequest);
  CHECK(builder.bytes() == before);
  CHECK(check_batch_deeply(*builder.build()));
  auto body = body_of({0, 0, -1, -1, static_cast<std::int64_t>(kRecordHeadersMax) + 1});
  body.resize(body.size() + 2 * (kRecordHeadersMax + 1));  // empty keys and values
  CHECK(is_corrupt(batch_of(body)));
}

TEST_CASE("record: lengths beyond their batch are corrupt") {
  auto batch = batch_of(body_of({0, 0, -1, -1, 0}));
  for (const int length : {-1, 5, 7, 63}) {
    CAPTURE(length);
    put_varint(length, batch.data() + kBatchHeaderBytes);
    auto header = read_batch_header(batch);
    REQUIRE(header);
    write_batch_header(*header, batch);
    CHECK(is_corrupt(batch));
  }
}

TEST_CASE("builder: refuses what cannot be said and stays as it was") {
  BatchBuilder builder;
  CHECK(builder.build().error().code() == Errc::kInvalidRequest);
  REQUIRE(builder.add({"a", "1", {}, -10}));
  const auto before = builder.bytes();
  constexpr auto kLate = std::numeric_limits<std::int64_t>::max();
  CHECK(builder.add({"b", "2", {}, kLate}).error().code() == Errc::kInvalidRequest);
  const Record huge{"c", std::string(kBatchBytesMax, 'x'), {}, 0};
  CHECK(builder.add(huge).error().code() == Errc::kMessageTooLarge);
  CHECK(builder.bytes() == before);
  CHECK(builder.count() == 1);
  const auto batch = builder.build();
  REQUIRE(batch);
  CHECK(batch->size() == before);
  CHECK(check_batch_deeply(*batch));
}

TEST_CASE("builder: a batch of exactly the limit is written and read") {
  BatchBuilder builder;
  // 61 of header; record: length 4, attributes, deltas, key, header count 1 each, value length 4
  const Record full{std::nullopt, std::string(kBatchBytesMax - 61 - 4 - 5 - 4, 'x'), {}, 0};
  REQUIRE(builder.add(full));
  CHECK(builder.bytes() == kBatchBytesMax);
  CHECK(builder.add({}).error().code() == Errc::kMessageTooLarge);
  const auto batch = builder.build();
  REQUIRE(batch);
  CHECK(check_batch_deeply(*batch));
}

}  // namespace
}  // namespace xylem
