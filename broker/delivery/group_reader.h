// A consumer that keeps its place with a group: where what it has committed stands, and its
// commits.
//
// Of a shared topic that is the group's place. Of a broadcast topic each instance has its own; a
// member without an instance has one as long as it is a member, in its coordinator's memory.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/groups/offset_record.h"
#include "broker/topics/topic_definition.h"
#include "common/ids.h"
#include "common/result.h"

#include <functional>
#include <optional>
#include <string>

namespace xylem::broker {

struct GroupReader {
  std::string group;
  std::string member;
  std::string instance;  // empty: none
};

// What it has committed, of whatever incarnation. Nothing where another broker keeps it.
[[nodiscard]] std::optional<CommittedOffset> committed_by(const ClientContext& context,
                                                          const GroupReader& reader,
                                                          const TopicDefinition& topic,
                                                          PartitionId partition);

// kStaleGeneration: the group has members, and the partition is not this one's.
[[nodiscard]] Status may_commit(const ClientContext& context,
                                const GroupReader& reader,
                                const TopicPartition& where);

// `done` runs once, perhaps inside the call. kStaleGeneration: the partition is not the reader's,
// or the offset is of another incarnation; kInvalidRequest: it goes back, or above what there is to
// consume here; kUnknownTopicOrPartition; and what GroupOffsets says.
void commit_for(const ClientContext& context,
                const GroupReader& reader,
                const TopicPartition& where,
                const CommittedOffset& offset,
                std::function<void(Status)> done);

}  // namespace xylem::broker
