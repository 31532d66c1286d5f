#include "common/batch/batch.h"

#include "common/batch/batch_builder.h"
#include "common/batch/crc32c.h"
#include "common/batch/record.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

namespace xylem {
namespace {

constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();

Buffer small_batch() {
  BatchBuilder builder;
  REQUIRE(builder.add({"key", "value", {{"h", "1"}, {"null", std::nullopt}}, 1'000}));
  REQUIRE(builder.add({std::nullopt, std::nullopt, {}, 999}));
  auto batch = builder.build({7, 1, 40});
  REQUIRE(batch);
  return std::move(*batch);
}

// The batch with its header changed and the CRC right again.
Buffer with_header(Buffer batch, const std::function<void(BatchHeader&)>& change) {
  auto header = read_batch_header(batch);
  REQUIRE(header);
  change(*header);
  write_batch_header(*header, batch);
  return batch;
}

Errc code_of(const Result<BatchHeader>& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

TEST_CASE("batch: the header says what the builder was given") {
  auto batch = small_batch();
  assign(batch, Offset(100), Epoch(5));
  const auto header = check_batch_deeply(batch);
  REQUIRE(header);
  CHECK(header->base_offset == Offset(100));
  CHECK(header->last_offset() == Offset(101));
  CHECK(header->next_offset() == Offset(102));
  CHECK(header->bytes == batch.size());
  CHECK(header->epoch == Epoch(5));
  CHECK(header->base_timestamp_ms == 1'000);
  CHECK(header->max_timestamp_ms == 1'000);
  CHECK(header->producer_id == 7);
  CHECK(header->producer_epoch == 1);
  CHECK(header->base_sequence == 40);
  CHECK(header->record_count == 2);
  CHECK(header->compression() == Compression::kNone);
  CHECK_FALSE(header->is_control());
}

TEST_CASE("batch: what follows it is not looked at") {
  auto run = small_batch();
  const auto first_bytes = run.size();
  append(small_batch(), run);
  const auto header = check_batch_deeply(run);
  REQUIRE(header);
  CHECK(header->bytes == first_bytes);
}

TEST_CASE("batch: every cut is a short read, never corruption") {
  const auto batch = small_batch();
  for (std::size_t size = 0; size < batch.size(); ++size) {
    CAPTURE(size);
    CHECK(code_of(check_batch(Bytes(batch).first(size))) == Errc::kUnavailable);
    const auto peeked = peek_batch_header(Bytes(batch).first(size));
    CHECK(peeked.has_value() == (size >= kBatchHeaderBytes));
  }
}

TEST_CASE("batch: every flipped bit is found, but for what the owner assigns") {
  const auto good = small_batch();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    CAPTURE(bit);
    auto bad = good;
    bad[bit / 8] ^= std::byte(0x80U >> (bit % 8));
    const auto checked = check_batch(bad);
    const auto at = bit / 8;
    const bool sign = bit % 8 == 0 && (at == 0 || at == kBatchPrefixBytes);
    const bool assigned = at < kBatchLengthAt || (at >= kBatchPrefixBytes && at < 16);
    CHECK(checked.has_value() == (assigned && !sign));
    if (checked) continue;
    const bool length = at >= kBatchLengthAt && at < kBatchPrefixBytes;
    if (!length) CHECK(checked.error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("batch: impossible fields are refused although the checksum is right") {
  const auto batch = small_batch();
  const auto refused = [&](const std::function<void(BatchHeader&)>& change) {
    return code_of(check_batch(with_header(batch, change)));
  };
  CHECK(refused([](auto& h) { h.base_offset = Offset(-1); }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.base_offset = Offset(kInt64Max - 1); }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.epoch = Epoch(-2); }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.record_count = 0; }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.record_count = -1; }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.record_count = 3; }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.last_offset_delta = 0; }) == Errc::kCorrupt);
  CHECK(refused([](auto& h) { h.last_offset_delta = -1; }) == Errc::kCorrupt);
  const auto huge = [](auto& h) { h.record_count = (h.last_offset_delta = 1 << 30) + 1; };
  CHECK(refused(huge) == Errc::kCorrupt);
  CHECK(refused([&](auto& h) { huge(h), h.attributes = 2; }) == Errc::kCorrupt);
  CHECK(check_batch(with_header(batch, [](auto& h) { h.base_offset = Offset(kInt64Max - 2); })));
  CHECK(check_batch(with_header(batch, [](auto& h) { h.epoch = kNoEpoch; })));
}

TEST_CASE("batch: a length out of range is corrupt however much is there") {
  for (const std::int32_t length : {-1, 0, 48, static_cast<std::int32_t>(kBatchBytesMax) - 11}) {
    CAPTURE(length);
    auto batch = small_batch();
    store_be(length, MutableBytes(batch).subspan(kBatchLengthAt));
    CHECK(code_of(read_batch_header(batch)) == Errc::kCorrupt);
  }
}

TEST_CASE("batch: an unknown codec passes the plain check and fails the deep one") {
  const auto batch = with_header(small_batch(), [](auto& h) { h.attributes = 5; });
  CHECK(check_batch(batch));
  CHECK(code_of(check_batch_deeply(batch)) == Errc::kInvalidRequest);
}

TEST_CASE("batch: holes are refused from a producer and allowed after compaction") {
  BatchBuilder builder;
  REQUIRE(builder.add_at(1, {}));
  REQUIRE(builder.add_at(4, {}));
  const auto batch = builder.build();
  REQUIRE(batch);
  CHECK(check_batch_deeply(*batch, OffsetHoles::kAllowed));
  CHECK(code_of(check_batch_deeply(*batch)) == Errc::kCorrupt);
  const auto wide = with_header(small_batch(), [](auto& h) { h.last_offset_delta = 2; });
  CHECK(check_batch_deeply(wide, OffsetHoles::kAllowed));
  CHECK(code_of(check_batch_deeply(wide)) == Errc::kCorrupt);
}

TEST_CASE("batch: one without records is good where compaction left it, and never a producer's") {
  const auto header = check_batch(small_batch());
  REQUIRE(header);
  const auto batch = emptied(*header);
  CHECK(batch.size() == kBatchHeaderBytes);
  const auto read = check_batch_deeply(batch, OffsetHoles::kAllowed);
  REQUIRE(read);
  CHECK(read->record_count == 0);
  CHECK(read->next_offset() == header->next_offset());
  CHECK(read->epoch == header->epoch);
  CHECK(code_of(check_batch_deeply(batch)) == Errc::kCorrupt);
  auto reader = BatchReader::open(batch);
  REQUIRE(reader);
  CHECK_FALSE(reader->next());

  CHECK(code_of(check_batch(with_header(batch, [](auto& h) { h.attributes = 1; }))) ==
        Errc::kCorrupt);
  auto packed = with_header(small_batch(), [](auto& h) { h.attributes = 2; });
  CHECK(check_batch(emptied(*check_batch(packed))));
}

TEST_CASE("batch: records that do not fill the batch exactly are refused") {
  auto longer = small_batch();
  longer.push_back(std::byte{0});
  const auto grow = [&](auto& h) { h.bytes = longer.size(); };
  CHECK(code_of(check_batch_deeply(with_header(longer, grow))) == Errc::kCorrupt);
  const auto fewer = [](auto& h) { h.record_count = 1, h.last_offset_delta = 0; };
  CHECK(code_of(check_batch_deeply(with_header(small_batch(), fewer))) == Errc::kCorrupt);
}

TEST_CASE("batch: a timestamp past 64 bits is refused, unless the batch was stamped at append") {
  const auto late = [](auto& h) { h.base_timestamp_ms = std::numeric_limits<std::int64_t>::min(); };
  CHECK(code_of(check_batch_deeply(with_header(small_batch(), late))) == Errc::kCorrupt);
  CHECK(
      check_batch_deeply(with_header(small_batch(), [&](auto& h) { late(h), h.attributes = 8; })));
}

}  // namespace
}  // namespace xylem
