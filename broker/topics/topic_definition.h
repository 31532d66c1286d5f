// What a topic is: name, identity, partitions and policies, and its JSON in `__topics`.
//
//   {"name":"prices","topicId":"<32 hex>","generation":0,"partitions":4,"cleanup":"compact",
//    "retentionBytes":-1,"retentionMs":-1,"flush":"always","replicas":1,"minInsync":1}
//   "tombstoneRetentionMs" (-1: for ever), "delivery" ("shared", "broadcast") only where it is not
//   the default.
//   "deadLetterAfter":5   0, the default, is not written: records are delivered until they are
//                         handled; else how many deliveries to a group may fail
//   "local":true          in no `__topics`: of one broker alone (broker/catalog/local_topics.h)
//
// Errors: kInvalidRequest names the field. Unknown fields are refused, so that a typing error is
// not a silent default.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr std::string_view kTopicsTopic = "__topics";
inline constexpr std::string_view kGroupOffsetsTopic = "__group_offsets";
inline constexpr std::int32_t kGroupOffsetsPartitions = 16;
inline constexpr std::int32_t kPartitionsMax = 10'000;      // per topic
inline constexpr std::int32_t kDeadLetterAfterMax = 1'000;  // failed deliveries

// How the members of a group consume it (network/protocol/messages.h).
enum class Delivery : std::uint8_t {
  kShared,     // each partition by one of them
  kBroadcast,  // all of it by each of them, who all have their own offsets
};

// The broker's own: no client makes one, or writes to it.
inline bool is_internal_name(std::string_view name) { return name.starts_with("__"); }

struct TopicDefinition {
  std::string name;
  Incarnation incarnation;
  std::int32_t partitions = 1;
  storage::Cleanup cleanup = storage::Cleanup::kDelete;
  std::int64_t retention_bytes = -1;  // per partition; -1: no limit
  std::int64_t retention_ms = -1;     // -1: no limit
  // With kCompact: how long deletions stay; -1: for ever.
  std::int64_t tombstone_retention_ms = storage::LogOptions{}.tombstone_retention_ms;
  storage::Flush flush = storage::Flush::kAlways;
  std::int32_t replicas = 1;  // 0, in a request alone: not said; likewise
  std::int32_t min_insync = 1;
  Delivery delivery = Delivery::kShared;
  std::int32_t dead_letter_after = 0;  // failed deliveries to a group; 0: never
  bool is_local = false;

  bool operator==(const TopicDefinition&) const = default;

  [[nodiscard]] bool is_internal() const { return is_internal_name(name); }

  [[nodiscard]] bool is_broadcast() const { return delivery == Delivery::kBroadcast; }

  [[nodiscard]] LogId log(std::int32_t partition) const {
    return {incarnation, PartitionId(partition)};
  }
};

// The topic of topics itself: the same on every node of every cluster.
TopicDefinition topics_topic();

// Where the groups of a root tier of several stand (broker/groups).
TopicDefinition group_offsets_topic();

// Where delayed records wait (broker/delayed).
TopicDefinition delayed_topic();

std::string to_json(const TopicDefinition& topic);
Result<TopicDefinition> topic_from_json(std::string_view json);

// What a client may ask for: a definition without identity. `json` may leave out all but the name.
Result<TopicDefinition> topic_request_from_json(std::string_view json);

// `topic` with the fields that `json` holds; name, identity and a lower partition count are
// refused.
Result<TopicDefinition> altered(const TopicDefinition& topic, std::string_view json);

}  // namespace xylem::broker
