// Asks brokers for an ADMIN command and waits for the answer.
#pragma once

#include "cli/client_runtime.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <string>
#include <vector>

namespace xylem::cli {

// The first of `brokers` that answers, or whom it names. Runs the loop until there is an answer.
// kUnavailable, kTimeout: nobody there; kCancelled: Ctrl-C; else what the broker says.
Result<std::string> ask_broker(ClientRuntime& runtime,
                               const std::vector<network::Address>& brokers,
                               const std::string& command,
                               const std::string& json);

}  // namespace xylem::cli
