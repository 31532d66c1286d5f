// What a reset sets: the group's own offsets of shared topics, and those of its instances of
// broadcast topics.
//
// Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/groups/group_offsets.h"
#include "broker/groups/group_request.h"
#include "common/result.h"

namespace xylem::broker {

// With the incarnations that the topics have now. kUnknownTopicOrPartition; kInvalidRequest: an
// instance of a shared topic; a broadcast topic of which no instance has offsets, and none is
// named; more than kResetOffsetsMax.
Result<CommittedOffsets> offsets_to_reset(const TopicCatalog& topics,
                                          const GroupOffsets& offsets,
                                          const ResetRequest& request);

}  // namespace xylem::broker
