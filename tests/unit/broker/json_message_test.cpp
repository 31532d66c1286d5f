#include "broker/admin/json_message.h"

#include <doctest/doctest.h>

namespace xylem::broker {
namespace {

constexpr std::int64_t kNowMs = 42;

TEST_CASE("json message: every field arrives") {
  const auto produce = message_from_json(
      R"({"topic":"t","key":"k","value":"AAE=","valueEncoding":"base64","headers":{"a":"b"},)"
      R"("partition":3,"timestamp":7})",
      kNowMs);
  REQUIRE(produce);
  CHECK(produce->topic == "t");
  REQUIRE(produce->messages.size() == 1);
  REQUIRE(produce->messages.front());
  const auto& message = *produce->messages.front();
  CHECK(message.record.key == "k");
  CHECK(message.record.value == std::string("\0\1", 2));
  CHECK(message.record.timestamp_ms == 7);
  CHECK(message.record.headers.front().second == "b");
  CHECK(message.partition == PartitionId(3));
}

TEST_CASE("json message: a missing value is a tombstone, JSON values keep their text") {
  const auto tombstone = message_from_json(R"({"topic":"t","key":"k"})", kNowMs);
  REQUIRE(tombstone);
  CHECK_FALSE(tombstone->messages.front()->record.value);
  CHECK(tombstone->messages.front()->record.timestamp_ms == kNowMs);
  const auto object = message_from_json(R"({"topic":"t","value":{"a":1}})", kNowMs);
  REQUIRE(object);
  CHECK(object->messages.front()->record.value == R"({"a":1})");
}

TEST_CASE("json message: what is wrong is named") {
  struct Case {
    const char* json;
    const char* named;
  };

  for (const auto& [json, named] :
       {Case{"{", "not JSON"}, Case{"[]", "\"topic\""}, Case{R"({"topic":1})", "\"topic\""},
        Case{R"({"topic":"t"})", "needs a key"},
        Case{R"({"topic":"t","value":"v","acks":"some"})", "\"acks\""},
        Case{R"({"topic":"t","value":"v","headers":[]})", "\"headers\""},
        Case{R"({"topic":"t","value":"v","headers":{"a":1}})", "\"headers\""},
        Case{R"({"topic":"t","value":"v","partition":-1})", "\"partition\""},
        Case{R"({"topic":"t","value":"v","timestamp":"now"})", "\"timestamp\""},
        Case{R"({"topic":"t","value":"v","timestamp":18446744073709551615})", "from 0 to"},
        Case{R"({"topic":"t","value":"v","timestamp":9223372036854775808})", "from 0 to"},
        Case{R"({"topic":"t","value":"v","timestamp":-1})", "from 0 to"},
        Case{R"({"topic":"t","value":"v","timestamp":1.5})", "from 0 to"},
        Case{R"({"topic":"t","value":"!","valueEncoding":"base64"})", "value"},
        Case{R"({"topic":"t","value":"v","valueEncoding":"rot13"})", "\"valueEncoding\""}}) {
    CAPTURE(json);
    const auto produce = message_from_json(json, kNowMs);
    REQUIRE_FALSE(produce);
    CHECK(produce.error().code() == Errc::kInvalidRequest);
    CHECK(produce.error().what().find(named) != std::string::npos);
  }
}

TEST_CASE("json message: in a list, a bad message is an error of its own") {
  const auto produce =
      messages_from_json(R"({"topic":"t","messages":[{"value":"a"},7,{"value":"b"}]})", kNowMs);
  REQUIRE(produce);
  REQUIRE(produce->messages.size() == 3);
  CHECK(produce->messages[0]);
  CHECK_FALSE(produce->messages[1]);
  CHECK(produce->messages[2]);
  CHECK_FALSE(messages_from_json(R"({"topic":"t","messages":[]})", kNowMs));
}

}  // namespace
}  // namespace xylem::broker
