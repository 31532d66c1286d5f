// What a member says that it has, before anything is kept of it.
//
// A frame has room for a million partition numbers, and what is accepted stays in the coordinator's
// memory: so only what the topics have, each partition once.
//
// What cannot be right at any time is refused: a name that no topic has, a number that no partition
// has, a topic or a partition twice. What was right before is left out: a topic that is gone, a
// partition that the topic of that name does not have now (it was made anew, or grew, and this
// broker has yet to hear it). Refused, a member would say the same again, and never be told better.
//
// Limits: Group::kTopicsMax topics, kPartitionsMax partitions of each. Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/groups/assignor.h"
#include "common/result.h"
#include "network/protocol/messages.h"

#include <vector>

namespace xylem::broker {

// kInvalidRequest says what is wrong.
Result<TopicPartitions> owned_partitions(const std::vector<network::TopicPartitions>& owned,
                                         const TopicCatalog& topics);

}  // namespace xylem::broker
