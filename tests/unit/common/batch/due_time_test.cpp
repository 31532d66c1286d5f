#include "common/batch/due_time.h"

#include "common/batch/batch_builder.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem {
namespace {

Record with(const std::string& time) {
  Record record;
  record.value = "v";
  record.headers = {{"a", "b"}, {std::string(kDueAtHeader), time}};
  return record;
}

TEST_CASE("due time: in the record's header, as milliseconds") {
  Record record;
  record.value = "v";
  record.headers = {{"a", "b"}};
  CHECK(*due_at(record) == std::nullopt);
  set_due_at(record, 1'700'000'000'123);
  set_due_at(record, 1'800'000'000'456);
  REQUIRE(record.headers.size() == 2);
  CHECK(record.headers[1].first == "xylem-due-at");
  CHECK(record.headers[1].second == "1800000000456");
  CHECK(*due_at(record) == 1'800'000'000'456);
  BatchBuilder builder;
  REQUIRE(builder.add(record));
  const auto batch = builder.build();
  REQUIRE(batch);
  auto reader = BatchReader::open(*batch);
  REQUIRE(reader);
  const auto view = reader->next();
  REQUIRE(view);
  REQUIRE(*view);
  CHECK(*due_at(**view) == 1'800'000'000'456);
}

TEST_CASE("due time: what is no time is refused") {
  for (const auto* text : {"", "x", "-1", "1x", " 1", "1.5", "0x10", "99999999999999999999"}) {
    CAPTURE(text);
    const auto due = due_at(with(text));
    REQUIRE_FALSE(due);
    CHECK(due.error().code() == Errc::kInvalidRequest);
  }
  auto none = with("1");
  none.headers[1].second.reset();
  CHECK_FALSE(due_at(none));
  RecordView view;
  view.headers = {{.key = kDueAtHeader, .value = std::nullopt}};
  CHECK_FALSE(due_at(view));
}

TEST_CASE("due time: at most 400 days ahead") {
  CHECK(check_due_at(kDueAheadMsMax + 5, 5));
  CHECK(check_due_at(0, 5));
  CHECK_FALSE(check_due_at(kDueAheadMsMax + 6, 5));
}

}  // namespace
}  // namespace xylem
