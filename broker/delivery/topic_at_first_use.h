// A topic that a client names: found, or created where AUTO_CREATE_TOPICS allows it.
//
// One way for every door by which a first use comes: DATA, METADATA, and produce over HTTP.
//
// Threads: the loop's. Errors: kUnknownTopicOrPartition, and what TopicCatalog says
// of create() and is_current().
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/delivery/client_context.h"

#include <string>

namespace xylem::broker {

// Calls back once, perhaps inside the call. It is tried once: what fails is an error, not a retry.
void find_at_first_use(ClientContext& context, const std::string& name, TopicCatalog::Done done);

}  // namespace xylem::broker
