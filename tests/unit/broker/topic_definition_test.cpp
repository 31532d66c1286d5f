#include "broker/topics/topic_definition.h"

#include <doctest/doctest.h>

namespace xylem::broker {
namespace {

TEST_CASE("topic definition: its JSON is read back to the same") {
  TopicDefinition topic;
  topic.name = "prices";
  topic.incarnation = {TopicId::from_words(1, 2), 3};
  topic.partitions = 4;
  topic.cleanup = storage::Cleanup::kCompact;
  topic.retention_bytes = 5;
  topic.retention_ms = 6;
  topic.flush = storage::Flush::kNever;
  CHECK(to_json(topic).find("tombstone") == std::string::npos);  // as before there was such a field
  CHECK(to_json(topic).find("delivery") == std::string::npos);
  topic.tombstone_retention_ms = 7;
  topic.delivery = Delivery::kBroadcast;
  const auto back = topic_from_json(to_json(topic));
  REQUIRE(back);
  CHECK(*back == topic);
}

TEST_CASE("topic definition: a request may leave out all but the name") {
  const auto topic = topic_request_from_json(R"({"name":"t"})");
  REQUIRE(topic);
  CHECK(topic->partitions == 1);
  CHECK(topic->flush == storage::Flush::kAlways);
}

TEST_CASE("topic definition: what is wrong is named") {
  struct Case {
    const char* json;
    const char* named;
  };

  for (const auto& [json, named] : {
           Case{"nonsense", "not JSON"},
           Case{"[]", "JSON object"},
           Case{R"({"partitions":1})", "topic name is empty"},
           Case{R"({"name":"a/b"})", "a/b"},
           Case{R"({"name":7})", "\"name\""},
           Case{R"({"name":"__topics"})", "__"},
           Case{R"({"name":"t","partitions":0})", "\"partitions\""},
           Case{R"({"name":"t","partitions":10001})", "10000"},
           Case{R"({"name":"t","partitions":1.5})", "\"partitions\""},
           Case{R"({"name":"t","partitions":18446744073709551615})", "\"partitions\""},
           Case{R"({"name":"t","cleanup":"burn"})", "burn"},
           Case{R"({"name":"t","flush":true})", "\"flush\""},
           Case{R"({"name":"t","retentionMs":-2})", "\"retentionMs\""},
           Case{R"({"name":"t","tombstoneRetentionMs":-2})", "\"tombstoneRetentionMs\""},
           Case{R"({"name":"t","replicas":2,"minInsync":3})", "\"minInsync\""},
           Case{R"({"name":"t","delivery":"each"})", "\"delivery\" must be shared or broadcast"},
           Case{R"({"name":"t","delivery":2})", "\"delivery\""},
           Case{R"({"name":"t","colour":"red"})", "\"colour\""},
           Case{R"({"name":"t","deadLetterAfter":-1})", "\"deadLetterAfter\""},
           Case{R"({"name":"t","deadLetterAfter":1001})", "at most 1000"},
           Case{R"({"name":"t","local":true})", "\"local\""},
           Case{R"({"name":"t","topicId":"00000000000000000000000000000001"})", "\"topicId\""},
       }) {
    CAPTURE(json);
    const auto topic = topic_request_from_json(json);
    REQUIRE_FALSE(topic);
    CHECK(topic.error().code() == Errc::kInvalidRequest);
    CHECK(topic.error().what().find(named) != std::string::npos);
  }
}

TEST_CASE("topic definition: altering keeps identity and never takes partitions away") {
  TopicDefinition topic;
  topic.name = "t";
  topic.incarnation.topic = TopicId::from_words(1, 2);
  topic.partitions = 2;
  const auto more = altered(topic, R"({"name":"t","partitions":3,"retentionMs":9})");
  REQUIRE(more);
  CHECK(more->partitions == 3);
  CHECK(more->retention_ms == 9);
  const auto slower = altered(topic, R"({"cleanup":"compact","tombstoneRetentionMs":-1})");
  REQUIRE(slower);
  CHECK(slower->cleanup == storage::Cleanup::kCompact);
  CHECK(slower->tombstone_retention_ms == -1);
  CHECK(more->incarnation == topic.incarnation);
  CHECK_FALSE(altered(topic, R"({"partitions":1})"));
  CHECK_FALSE(altered(topic, R"({"name":"u"})"));
  CHECK_FALSE(altered(topic, R"({"topicId":"00000000000000000000000000000009"})"));
}

TEST_CASE("topic definition: a name without room for its dead letters' topic has none") {
  const auto named = [](std::size_t characters) {
    return R"({"name":")" + std::string(characters, 't') + R"(","deadLetterAfter":5})";
  };
  CHECK(topic_request_from_json(named(kTopicNameMax - 4)));
  const auto refused = topic_request_from_json(named(kTopicNameMax - 3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
  CHECK(refused.error().what().find("at most 196 characters") != std::string::npos);
  TopicDefinition topic;
  topic.name = std::string(kTopicNameMax, 't');
  topic.incarnation.topic = TopicId::from_words(1, 2);
  CHECK_FALSE(altered(topic, R"({"deadLetterAfter":1})"));
  CHECK(altered(topic, R"({"retentionMs":1})"));
  topic.dead_letter_after = 5;  // from before it was refused: it is read, and may be altered
  CHECK(topic_from_json(to_json(topic)) == topic);
  CHECK(altered(topic, R"({"retentionMs":1})"));
  CHECK(altered(topic, R"({"deadLetterAfter":0})"));
}

TEST_CASE("topic definition: dead letters, and whose topic it is, are said only where they are") {
  const auto request = topic_request_from_json(R"({"name":"t","deadLetterAfter":1000})");
  REQUIRE(request);
  CHECK(request->dead_letter_after == 1'000);
  TopicDefinition topic;
  topic.name = "t";
  topic.incarnation.topic = TopicId::from_words(1, 2);
  CHECK(to_json(topic).find("deadLetterAfter") == std::string::npos);
  CHECK(to_json(topic).find("local") == std::string::npos);
  topic.dead_letter_after = 5;
  topic.is_local = true;
  CHECK(topic_from_json(to_json(topic)) == topic);
  const auto never = altered(topic, R"({"deadLetterAfter":0})");
  REQUIRE(never);
  CHECK(never->dead_letter_after == 0);
  CHECK(never->is_local);
  CHECK_FALSE(altered(topic, R"({"local":false})"));
  CHECK_FALSE(
      topic_from_json(R"({"name":"t","topicId":"00000000000000000000000000000009","local":1})"));
}

}  // namespace
}  // namespace xylem::broker
