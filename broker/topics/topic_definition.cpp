#include "broker/topics/topic_definition.h"

#include "broker/json/json_text.h"
#include "broker/topics/dead_letter_name.h"
#include "network/client/delayed_topic.h"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(Errc::kInvalidRequest,
              "topic field \"" + std::string(field) + "\" must be " + std::string(expected));
}

Result<std::int64_t> integer(const Json& value, std::string_view field, std::int64_t min) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const bool fits =
      value.is_number_integer() && (!value.is_number_unsigned() ||
                                    value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMax));
  if (!fits || value.get<std::int64_t>() < min)
    return wrong(field, "an integer of at least " + std::to_string(min));
  return value.get<std::int64_t>();
}

Status set_small(const Json& value,
                 std::string_view field,
                 std::int32_t max,
                 std::int32_t& out,
                 std::int64_t min = 1) {
  auto number = integer(value, field, min);
  if (!number) return pass(number);
  if (*number > max) return wrong(field, "at most " + std::to_string(max));
  out = static_cast<std::int32_t>(*number);
  return {};
}

Status set_limit(const Json& value, std::string_view field, std::int64_t& out) {
  auto number = integer(value, field, -1);
  if (!number) return pass(number);
  out = *number;
  return {};
}

template <class Choice>
Status set_choice(const Json& value,
                  std::string_view field,
                  Result<Choice> (*parse)(std::string_view),
                  Choice& out) {
  if (!value.is_string()) return wrong(field, "a string");
  auto choice = parse(value.get<std::string>());
  if (!choice) return pass(choice);
  out = *choice;
  return {};
}

Result<Delivery> delivery_of(std::string_view name) {
  if (name == "shared") return Delivery::kShared;
  if (name == "broadcast") return Delivery::kBroadcast;
  return wrong("delivery", "shared or broadcast");
}

// Fields a client may set, at creation or later.
Result<bool> set_policy(const std::string& field, const Json& value, TopicDefinition& topic) {
  constexpr std::int32_t kReplicasMax = 5;
  Status done;
  if (field == "partitions") {
    done = set_small(value, field, kPartitionsMax, topic.partitions);
  } else if (field == "cleanup") {
    done = set_choice(value, field, storage::cleanup_of, topic.cleanup);
  } else if (field == "retentionBytes") {
    done = set_limit(value, field, topic.retention_bytes);
  } else if (field == "retentionMs") {
    done = set_limit(value, field, topic.retention_ms);
  } else if (field == "tombstoneRetentionMs") {
    done = set_limit(value, field, topic.tombstone_retention_ms);
  } else if (field == "deadLetterAfter") {
    done = set_small(value, field, kDeadLetterAfterMax, topic.dead_letter_after, 0);
  } else if (field == "flush") {
    done = set_choice(value, field, storage::flush_of, topic.flush);
  } else if (field == "replicas") {
    done = set_small(value, field, kReplicasMax, topic.replicas);
  } else if (field == "minInsync") {
    done = set_small(value, field, kReplicasMax, topic.min_insync);
  } else if (field == "delivery") {
    done = set_choice(value, field, delivery_of, topic.delivery);
  } else {
    return false;
  }
  if (!done) return pass(done);
  return true;
}

Result<bool> set_identity(const std::string& field, const Json& value, TopicDefinition& topic) {
  if (field == "topicId") {
    if (!value.is_string()) return wrong(field, "a string");
    auto id = TopicId::parse(value.get<std::string>());
    if (!id) return pass(id, "topic field \"topicId\"");
    topic.incarnation.topic = *id;
    return true;
  }
  if (field == "generation") {
    auto number = integer(value, field, 0);
    if (!number) return pass(number);
    if (*number > std::numeric_limits<std::uint32_t>::max()) return wrong(field, "a u32");
    topic.incarnation.generation = static_cast<std::uint32_t>(*number);
    return true;
  }
  if (field == "local") {
    if (!value.is_boolean()) return wrong(field, "true or false");
    topic.is_local = value.get<bool>();
    return true;
  }
  return false;
}

Result<Json> object(std::string_view json) {
  return parse_json_object(json, "a topic's description");
}

Result<TopicDefinition> parse(std::string_view json, bool with_identity) {
  auto fields = object(json);
  if (!fields) return pass(fields);
  TopicDefinition topic;
  if (!with_identity) topic.replicas = topic.min_insync = 0;
  for (const auto& [field, value] : fields->items()) {
    if (field == "name") {
      if (!value.is_string()) return wrong(field, "a string");
      topic.name = value.get<std::string>();
      continue;
    }
    auto known = set_policy(field, value, topic);
    if (known && !*known && with_identity) known = set_identity(field, value, topic);
    if (!known) return pass(known);
    if (!*known) return fail(Errc::kInvalidRequest, "unknown topic field \"" + field + "\"");
  }
  if (auto good = check_topic_name(topic.name); !good) return pass(good);
  const bool is_open = topic.replicas == 0 || topic.min_insync == 0;
  if (!is_open && topic.min_insync > topic.replicas)
    return wrong("minInsync", "at most \"replicas\"");
  return topic;
}

}  // namespace

TopicDefinition topics_topic() {
  TopicDefinition topic;
  topic.name = kTopicsTopic;
  topic.incarnation.topic = TopicId::from_words(0, 1);
  topic.cleanup = storage::Cleanup::kCompact;
  return topic;
}

TopicDefinition group_offsets_topic() {
  TopicDefinition topic;
  topic.name = kGroupOffsetsTopic;
  topic.incarnation.topic = TopicId::from_words(0, 2);
  topic.partitions = kGroupOffsetsPartitions;
  topic.cleanup = storage::Cleanup::kCompact;
  return topic;
}

TopicDefinition delayed_topic() {
  TopicDefinition topic;
  topic.name = network::kDelayedTopic;
  topic.incarnation.topic = TopicId::from_words(0, 3);
  topic.partitions = network::kDelayedPartitions;
  topic.cleanup = storage::Cleanup::kCompact;
  return topic;
}

std::string to_json(const TopicDefinition& topic) {
  Json json{{"name", topic.name},
            {"topicId", topic.incarnation.topic.text()},
            {"generation", topic.incarnation.generation},
            {"partitions", topic.partitions},
            {"cleanup", storage::to_string(topic.cleanup)},
            {"retentionBytes", topic.retention_bytes},
            {"retentionMs", topic.retention_ms},
            {"flush", storage::to_string(topic.flush)},
            {"replicas", topic.replicas},
            {"minInsync", topic.min_insync}};
  // A broker that does not know the field refuses the topic.
  if (topic.tombstone_retention_ms != TopicDefinition().tombstone_retention_ms)
    json["tombstoneRetentionMs"] = topic.tombstone_retention_ms;
  if (topic.is_broadcast()) json["delivery"] = "broadcast";
  if (topic.dead_letter_after != 0) json["deadLetterAfter"] = topic.dead_letter_after;
  if (topic.is_local) json["local"] = true;
  return json.dump();
}

Result<TopicDefinition> topic_from_json(std::string_view json) {
  auto topic = parse(json, true);
  if (topic && topic->incarnation.topic.is_nil()) return wrong("topicId", "present");
  return topic;
}

Result<TopicDefinition> topic_request_from_json(std::string_view json) {
  auto topic = parse(json, false);
  if (topic && topic->is_internal())
    return fail(Errc::kInvalidRequest, "names that begin with __ are the broker's own");
  if (topic && topic->dead_letter_after > 0) {
    if (auto room = check_dead_letter_name(topic->name); !room) return pass(room);
  }
  return topic;
}

Result<TopicDefinition> altered(const TopicDefinition& topic, std::string_view json) {
  auto fields = object(json);
  if (!fields) return pass(fields);
  TopicDefinition changed = topic;
  for (const auto& [field, value] : fields->items()) {
    if (field == "name" && value == topic.name) continue;
    auto known = set_policy(field, value, changed);
    if (!known) return pass(known);
    if (!*known)
      return fail(Errc::kInvalidRequest, "topic field \"" + field + "\" cannot be altered");
  }
  if (changed.dead_letter_after > 0 && topic.dead_letter_after == 0) {
    if (auto room = check_dead_letter_name(topic.name); !room) return pass(room);
  }
  if (changed.partitions < topic.partitions)
    return wrong("partitions", "at least " + std::to_string(topic.partitions) + ", as it is now");
  if (changed.min_insync > changed.replicas) return wrong("minInsync", "at most \"replicas\"");
  return changed;
}

}  // namespace xylem::broker
