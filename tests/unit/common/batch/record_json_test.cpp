#include "common/batch/record_json.h"

#include <doctest/doctest.h>

namespace xylem {
namespace {

TEST_CASE("record json: text, null and binary") {
  RecordFields fields{.topic = "t",
                      .partition = PartitionId(2),
                      .offset = Offset(17),
                      .epoch = Epoch(3),
                      .timestamp_ms = 5,
                      .key = bytes_of("k\"1"),
                      .value = bytes_of("v")};
  CHECK(record_json(fields) == R"({"topic":"t","partition":2,"offset":17,"epoch":3,"timestamp":5,)"
                               R"("key":"k\"1","value":"v","headers":{}})");
  fields.key = bytes_of("\xFF");
  fields.value.reset();
  CHECK(record_json(fields) == R"({"topic":"t","partition":2,"offset":17,"epoch":3,"timestamp":5,)"
                               R"("key":"/w==","keyEncoding":"base64","value":null,"headers":{}})");
  fields.key.reset();
  fields.value = bytes_of("\xFE\xFF");
  CHECK(record_json(fields) == R"({"topic":"t","partition":2,"offset":17,"epoch":3,"timestamp":5,)"
                               R"("key":null,"value":"/v8=","encoding":"base64","headers":{}})");
}

TEST_CASE("record json: headers of a record") {
  RecordView record;
  record.offset = Offset(1);
  record.headers = {
      {"a", bytes_of("old")}, {"n", std::nullopt}, {"b", bytes_of("\xFF")}, {"a", bytes_of("new")}};
  CHECK(headers_json(record.headers) == R"({"n":null,"b":{"base64":"/w=="},"a":"new"})");
  CHECK(record_json("t", PartitionId(0), BatchHeader{.epoch = Epoch(4)}, record) ==
        R"({"topic":"t","partition":0,"offset":1,"epoch":4,"timestamp":0,)"
        R"("key":null,"value":null,"headers":{"n":null,"b":{"base64":"/w=="},"a":"new"}})");
}

}  // namespace
}  // namespace xylem
