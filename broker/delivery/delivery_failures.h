// Failed deliveries as a connection learns of them: told by its consumer, or by its end.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/delivery/subscription.h"
#include "common/error.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <map>

namespace xylem::broker {

using Subscriptions = std::map<std::uint64_t, Subscription>;

// The consumer has told it. kInvalidRequest: that record was not pushed to it, or nothing is
// counted; else as DeadLetters::failed.
void count_failure(const ClientContext& context,
                   const Subscriptions& subscriptions,
                   const network::DeliveryFailure& failure,
                   DeadLetters::Done done);

// The consumer is gone, and has not said so: what it had in hand has failed, unless its group went
// on without it before.
void count_lost(const ClientContext& context, const Subscriptions& subscriptions, const Error& why);

}  // namespace xylem::broker
