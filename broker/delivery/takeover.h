// A consumer that subscribes while another connection still has what it subscribed to before.
//
// Its old connection may be half open for as long as silence is allowed: it would be pushed all a
// second time, and a refresh would wait for it. The same member is the same consumer. The same
// instance of a group is its successor (static membership, KIP-345), unless the group's books say
// that another member has the instance. Who has neither name takes over from nobody, nor does who
// shares no partition: a consumer may have several connections to a broker, for different ones.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/delivery/subscription.h"
#include "common/error.h"

#include <optional>

namespace xylem::broker {

// nullopt: `older` goes on. Else it ends, and its client is told. kCancelled: it did so itself;
// kUnknownMember: another consumer has its instance now, as Group says of a beat.
[[nodiscard]] std::optional<Error> taken_over(const ClientContext& context,
                                              const Subscription& older,
                                              const Subscription& newer);

}  // namespace xylem::broker
