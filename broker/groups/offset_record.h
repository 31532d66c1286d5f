// One committed offset as bytes: the same in state.db and in `__group_offsets`.
//
//   key    group \n topic \n partition [\n instance]     text; the partition in decimal digits. No
//          name holds \n. Of a broadcast topic each instance of the group has its own offsets
//   value  offset i64, topic id u64 u64, generation u32     big-endian; offset: next to read
//
// In the log a record's time is when it was committed, and a record without value takes it back.
//
// Threads: any; everything is pure.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <compare>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr std::size_t kGroupNameMax = 200;     // bytes
inline constexpr std::size_t kInstanceNameMax = 200;  // bytes

struct GroupPartition {
  std::string group;
  std::string topic;
  PartitionId partition;
  std::string instance;  // empty: the group's own

  auto operator<=>(const GroupPartition&) const = default;
};

struct CommittedOffset {
  Offset next;
  Incarnation incarnation;

  bool operator==(const CommittedOffset&) const = default;
};

// kInvalidRequest: `next` is below `known`, of the same incarnation: no commit goes back.
Status check_forward(const CommittedOffset& known, const CommittedOffset& next);

using CommittedOffsets = std::map<GroupPartition, CommittedOffset>;

// kInvalidRequest: no name for a group.
Status check_group(std::string_view group);

// The same for an instance, and for a member; an empty one is none.
Status check_instance(std::string_view instance);

std::string encode_key(const GroupPartition& where);
Buffer encode_value(const CommittedOffset& offset);

// nullopt: not what the above make.
std::optional<GroupPartition> decode_key(std::string_view key);
std::optional<CommittedOffset> decode_value(Bytes value);

}  // namespace xylem::broker
