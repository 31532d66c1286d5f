// The partition that an HTTP request names, or an answer that says which broker has it.
//
// NOT_LEADER's hint is that broker's HTTP address, "host:port", and the detail names the broker; no
// hint: its HTTP address is not known here (in a root tier of several only the registry tells it).
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <string>

namespace xylem::broker {

// kUnknownTopicOrPartition: there is none; else not_read_here().
Result<const TopicDefinition*> find_topic(const ClientContext& context, const std::string& name);
Result<const Partition*> find_partition(const ClientContext& context,
                                        const TopicDefinition& topic,
                                        std::int64_t number);

// Whom consumers, and whom producers, of a partition of `topic` go to. kUnavailable: nobody but
// this broker is known to have it, so one asks again later.
Error not_read_here(const ClientContext& context, const TopicDefinition& topic, PartitionId id);
Error not_led_here(const ClientContext& context, const TopicDefinition& topic, PartitionId id);

// Why `log`, which was read here, is not any more: it moved, or its topic was deleted.
Error no_longer_here(const ClientContext& context, const LogId& log, const std::string& topic);

}  // namespace xylem::broker
