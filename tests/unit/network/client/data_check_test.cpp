#include "network/client/data_check.h"

#include "common/batch/batch.h"
#include "tests/support/fake_broker.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace xylem::network {
namespace {

using testing::batch_of;

Data data_of(const std::vector<Buffer>& batches) {
  Buffer all;
  for (const auto& batch : batches) append(batch, all);
  Data data;
  data.header.batch_count = static_cast<std::uint32_t>(batches.size());
  data.batches = Slice::own(std::move(all));
  return data;
}

Errc code_of(const Data& data) {
  const auto checked = check_data(data, Offset());
  return checked ? Errc::kCancelled : checked.error().code();
}

TEST_CASE("data check: holes are fine, and the cursor moves to the end") {
  const auto data = data_of({batch_of({"a", "b"}, Offset(5)), batch_of({"c"}, Offset(90))});
  const auto checked = check_data(data, Offset(3));
  REQUIRE(checked);
  CHECK(checked->next_offset == Offset(91));
  CHECK(checked->batches.bytes.size() == data.batches.bytes.size());
  CHECK(checked->epoch == Epoch(3));
}

TEST_CASE("data check: a batch that compaction emptied moves the cursor over its offsets") {
  const auto emptied_batch = emptied(*check_batch(batch_of({"a", "b", "c"}, Offset(5))));
  const auto alone = data_of({emptied_batch});
  const auto checked = check_data(alone, Offset(3));
  REQUIRE(checked);
  CHECK(checked->next_offset == Offset(8));
  const auto followed = check_data(data_of({emptied_batch, batch_of({"d"}, Offset(8))}), Offset(3));
  REQUIRE(followed);
  CHECK(followed->next_offset == Offset(9));
}

TEST_CASE("data check: whole batches below the cursor are left out, a half one is not") {
  const auto data = data_of({batch_of({"a", "b"}, Offset(0)), batch_of({"c", "d"}, Offset(2))});
  const auto checked = check_data(data, Offset(3));
  REQUIRE(checked);
  CHECK(read_batch_header(checked->batches.bytes)->base_offset == Offset(2));
  const auto nothing = check_data(data, Offset(10));
  REQUIRE(nothing);
  CHECK(nothing->batches.bytes.empty());
  CHECK(nothing->next_offset == Offset(10));
}

TEST_CASE("data check: offsets that go back, repeat or are negative") {
  CHECK(code_of(data_of({batch_of({"a"}, Offset(5)), batch_of({"b"}, Offset(4))})) ==
        Errc::kCorrupt);
  CHECK(code_of(data_of({batch_of({"a"}, Offset(5)), batch_of({"b"}, Offset(5))})) ==
        Errc::kCorrupt);
  CHECK(code_of(data_of({batch_of({"a"}, Offset(-5))})) == Errc::kCorrupt);
}

TEST_CASE("data check: another number of batches than said") {
  auto data = data_of({batch_of({"a"}, Offset(0))});
  for (const std::uint32_t count : {0U, 2U}) {
    data.header.batch_count = count;
    CHECK(code_of(data) == Errc::kCorrupt);
  }
}

TEST_CASE("data check: every cut and every flipped bit under a checksum") {
  const auto good = batch_of({"some", "records"}, Offset(0));
  for (std::size_t size = 1; size < good.size(); ++size)
    CHECK(code_of(data_of({Buffer(
              good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))})) == Errc::kCorrupt);
  for (std::size_t at = kBatchLengthAt; at < good.size(); ++at) {
    if (at >= kBatchPrefixBytes && at < kBatchPrefixBytes + 4) continue;  // the epoch
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[at] ^= static_cast<std::byte>(1U << bit);
      CHECK(code_of(data_of({bad})) == Errc::kCorrupt);
    }
  }
}

}  // namespace
}  // namespace xylem::network
