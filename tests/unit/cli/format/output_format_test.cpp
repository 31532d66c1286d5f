#include "cli/format/output_format.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

std::string written(OutputKind kind, const RecordView& record) {
  return record_text(kind, "t", PartitionId(2), BatchHeader{.epoch = Epoch(3)}, record);
}

const RecordView kText{.offset = Offset(7),
                       .timestamp_ms = 1'500,
                       .key = bytes_of("k"),
                       .value = bytes_of("v\x1b[2J"),
                       .headers = {{.key = "h", .value = bytes_of("x")}}};
const RecordView kTombstone{.offset = Offset(8), .key = bytes_of("k")};

TEST_CASE("ndjson is one object a line") {
  CHECK(
      written(OutputKind::kNdjson, kText) ==
      "{\"topic\":\"t\",\"partition\":2,\"offset\":7,\"epoch\":3,\"timestamp\":1500,\"key\":\"k\","
      "\"value\":\"v\\u001b[2J\",\"headers\":{\"h\":\"x\"}}\n");
}

TEST_CASE("a value is its bytes; a tombstone an empty line") {
  CHECK(written(OutputKind::kValue, kText) == "v\x1b[2J\n");
  CHECK(written(OutputKind::kValue, kTombstone) == "\n");
}

TEST_CASE("full is for people, and nothing in a record steers their terminal") {
  CHECK(written(OutputKind::kFull, kText) ==
        "t/2@7  1970-01-01T00:00:01.500Z  key=k  h:x\n    v\\u001b[2J\n");
  CHECK(written(OutputKind::kFull, kTombstone) ==
        "t/2@8  1970-01-01T00:00:00.000Z  key=k\n    (deleted)\n");
}

TEST_CASE("full leaves quotes and paths alone") {
  const RecordView json{.offset = Offset(7),
                        .key = bytes_of(R"(C:\Dir)"),
                        .value = bytes_of(R"({"id":"1","said":"\"hi\""})")};
  CHECK(written(OutputKind::kFull, json) == R"(t/2@7  1970-01-01T00:00:00.000Z  key=C:\Dir)"
                                            "\n    "
                                            R"({"id":"1","said":"\"hi\""})"
                                            "\n");
}

TEST_CASE("times before 1970 and beyond the calendar are written too") {
  CHECK(utc_time(-1) == "1969-12-31T23:59:59.999Z");
  CHECK_FALSE(utc_time(INT64_MAX).empty());
  CHECK_FALSE(utc_time(INT64_MIN).empty());
}

TEST_CASE("output formats have names") {
  CHECK(output_kind_of("full") == OutputKind::kFull);
  CHECK(output_kind_of("xml").error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::cli
