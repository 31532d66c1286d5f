// What an operator orders of the root tier, at any of its brokers.
//
//   POST /api/v1/cluster/elections
//     {"topic":"prices","partition":0,"broker":3,"who":"operator","acceptLoss":true}
//     Where nobody in sync is alive, makes `broker` the leader with what it has. Without
//     "acceptLoss" it is refused with what may be lost.
//   GET /api/v1/cluster/rebalance?brokers=0,1,2
//     {"moves":[{"topic":"prices","partition":0,"from":[4,1,2],"to":[0,1,2]}],
//      "moving":[{"topic":"prices","partition":1,"from":[0,1,2,3],"to":[0,1,2],"inSync":[0,1,3],
//                 "leader":1}]}
//     What would move so that all replicas are on these brokers (none named: all that are alive),
//     and what is moving already.
//   POST /api/v1/cluster/rebalance
//     {"brokers":[0,1,2],"movesMax":5,"bytesPerS":0,"who":"operator"}
//     Begins as many of those moves as make `movesMax` partitions move, and says how many these are
//     and how many are moving now: {"begun":3,"left":12,"moving":5}.
//     "brokers": [] as above; "bytesPerS": what each broker may copy for moves; 0: its own setting.
//
// Errors: kInvalidRequest, kUnknownTopicOrPartition, kAlreadyExists (somebody leads), kUnavailable
// (no controller now; or this broker has just started and knows an older state: ask another one).
#pragma once

#include "broker/cluster/root_tier.h"
#include "common/clock.h"
#include "network/http/http_server.h"

namespace xylem::broker {

// `tier` and `clock` outlive the server.
void add_order_routes(network::HttpServer& server, RootTier& tier, const Clock& clock);

}  // namespace xylem::broker
