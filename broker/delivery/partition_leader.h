// Whom clients are sent to for a partition that this broker does not have, or does not lead.
#pragma once

#include "broker/delivery/client_context.h"
#include "common/error.h"
#include "common/ids.h"

#include <string>

namespace xylem::broker {

// "host:port"; empty: nobody but this broker is known to lead it, so one asks again later.
std::string leader_elsewhere(const ClientContext& context,
                             const TopicDefinition& topic,
                             PartitionId partition);

// The same of whom consumers are sent to.
std::string reader_elsewhere(const ClientContext& context,
                             const TopicDefinition& topic,
                             PartitionId partition);

// kNotLeader, with that as its hint. kUnknownTopicOrPartition: the topic has no such partition.
Error not_leader(const ClientContext& context, const TopicDefinition& topic, PartitionId partition);

// Why `log`, which was here, is not any more: it moved, or its topic was deleted.
Error gone_from_here(const ClientContext& context, const LogId& log);

}  // namespace xylem::broker
