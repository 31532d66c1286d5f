// A topic's JSON from any bytes: no crash, and what is accepted is read back as it was.
#include "broker/topics/topic_definition.h"
#include "common/bytes.h"
#include "common/check.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xylem::broker;
  const auto json = xylem::text_of({reinterpret_cast<const std::byte*>(data), size});
  if (const auto topic = topic_from_json(json)) {
    XYLEM_CHECK(topic->partitions > 0 && topic->partitions <= kPartitionsMax);
    XYLEM_CHECK(topic_from_json(to_json(*topic)) == *topic);
  }
  if (const auto wish = topic_request_from_json(json)) {
    XYLEM_CHECK(wish->incarnation.topic.is_nil());
    XYLEM_CHECK(wish->partitions > 0 && wish->partitions <= kPartitionsMax);
  }
  TopicDefinition topic;
  topic.name = "prices";
  topic.partitions = 4;
  if (const auto changed = altered(topic, json)) {
    XYLEM_CHECK(changed->name == topic.name);
    XYLEM_CHECK(changed->partitions >= topic.partitions);
  }
  return 0;
}
