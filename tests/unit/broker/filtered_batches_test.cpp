// How much of what was read a filter looks at in one push.
#include "broker/delivery/filtered_batches.h"

#include "common/batch/batch_builder.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

constexpr int kBatches = 8;
constexpr std::int32_t kRecords = 100;  // of each

std::vector<Slice> batches_of(const Record& record) {
  std::vector<Slice> slices;
  for (int i = 0; i < kBatches; ++i) {
    BatchBuilder builder;
    for (std::int32_t r = 0; r < kRecords; ++r) REQUIRE(builder.add(record));
    auto batch = builder.build();
    REQUIRE(batch);
    assign(*batch, Offset(std::int64_t{i} * kRecords), Epoch(3));
    slices.push_back(Slice::own(std::move(*batch)));
  }
  return slices;
}

std::int64_t batches_looked_at(const Record& record, std::size_t look_bytes_max) {
  const auto filter = RecordFilter::parse(R"(key = "nobody's")");
  REQUIRE(filter);
  return filtered(batches_of(record), *filter, look_bytes_max).next.value() / kRecords;
}

TEST_CASE("filtered batches: records without bytes of their own cost something as well") {
  CHECK(batches_looked_at({}, 3'000) == 1);
  CHECK(batches_looked_at({}, 6'000) == 2);
  CHECK(batches_looked_at({}, 1'000'000) == kBatches);
}

TEST_CASE("filtered batches: keys, values and headers cost their bytes") {
  const std::string text(1'000, 'x');
  for (const auto& record : {Record{.key = text}, Record{.value = text},
                             Record{.headers = {{text, {}}}}, Record{.headers = {{"h", text}}}}) {
    CHECK(batches_looked_at(record, 150'000) == 2);
  }
}

TEST_CASE("filtered batches: many headers without bytes cost something each") {
  Record record;
  record.headers.resize(100);
  CHECK(batches_looked_at(record, 100'000) == 2);
}

}  // namespace
}  // namespace xylem::broker
