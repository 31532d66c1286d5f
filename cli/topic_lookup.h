// Asks for topics before work on them begins, so that a wrong name or address is told at once.
#pragma once

#include "cli/client_runtime.h"
#include "common/result.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <string>
#include <vector>

namespace xylem::cli {

// No names: all topics. Runs the loop until there is an answer.
// kUnavailable, kTimeout: nobody there; kCancelled: Ctrl-C.
Result<network::MetadataAnswer> ask_metadata(ClientRuntime& runtime,
                                             const std::vector<network::Address>& brokers,
                                             const std::vector<std::string>& topics);

// kUnknownTopicOrPartition: there is no such topic.
Result<network::TopicMetadata> find_topic(ClientRuntime& runtime,
                                          const std::vector<network::Address>& brokers,
                                          const std::string& topic);

}  // namespace xylem::cli
