// GET /api/v1/cluster: what the root tier has decided, as this broker knows it.
//
//   {"self":0,"controller":2,"registered":true,"contactAgeMs":12,
//    "brokers":[{"broker":0,"node":"root-0","isAlive":true,"clients":"host:port","pipe":"http://..."}],
//    "topics":[{"name":"prices","generation":0,"replicas":3,"minInsync":2,
//               "partitions":[{"partition":0,"replicas":[0,1,2],"inSync":[0,1,2],"leader":0,
//                              "preferred":0,"epoch":4,"version":17,"movingTo":[]}]}]}
//
// A leader, a controller: -1: none now.
//
// GET /api/v1/cluster/audit: what operators had decided of it, the oldest first.
//
//   {"entries":[{"at":1700000000000,"who":"operator","what":"...","result":"..."}]}
#pragma once

#include "broker/cluster/root_tier.h"
#include "network/http/http_server.h"

namespace xylem::broker {

// `tier` outlives the server.
void add_cluster_routes(network::HttpServer& server, const RootTier& tier);

}  // namespace xylem::broker
