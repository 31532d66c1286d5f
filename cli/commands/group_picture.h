// What is known of a consumer group: its members, what it has committed, and how far behind it is.
#pragma once

#include "cli/partition_offsets.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::cli {

struct GroupMemberView {
  std::string member;
  std::string instance;  // empty: none
  std::string client;
  std::int64_t silent_ms = 0;
  std::size_t partitions = 0;
};

// Of a broadcast topic one for each instance, and for each member without one.
struct GroupPartitionView {
  std::string topic;
  PartitionId partition;
  std::string instance;  // of a broadcast topic; empty: none
  std::optional<Offset> committed;
  std::optional<PartitionOffsets> offsets;  // nullopt: nobody leads it now
  std::string member;                       // who has it; empty: nobody
  std::int64_t deliveries = 0;              // of the next record, that have failed

  // Records above what is committed; where nothing is, above the start.
  [[nodiscard]] std::optional<std::int64_t> lag() const;
};

struct GroupPicture {
  std::string group;
  std::string assignor;  // empty: no members
  std::int64_t generation = 0;
  std::vector<GroupMemberView> members;
  std::set<std::string> broadcast;             // of the topics
  std::vector<GroupPartitionView> partitions;  // by topic and number

  [[nodiscard]] std::int64_t lag() const;  // of those that are known
};

// From the answer to group.describe, without offsets; kCorrupt: none of these.
Result<GroupPicture> group_in(const std::string& answer);

// Adds where the partitions begin and end, and those of `topics` that nobody has or has committed.
void add_offsets(GroupPicture& picture, const std::map<std::string, TopicOffsets>& topics);

[[nodiscard]] std::string group_text(const GroupPicture& picture);
[[nodiscard]] std::string group_json(const GroupPicture& picture);

// One line a group and topic; of broadcast topics for each that has a place of its own.
[[nodiscard]] std::string lag_text(const std::vector<GroupPicture>& pictures);
[[nodiscard]] std::string lag_json(const std::vector<GroupPicture>& pictures);

}  // namespace xylem::cli
