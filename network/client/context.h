// What every client is given: its loop, a way to the network, time, chance and a log.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/random.h"
#include "network/transport/transport.h"

namespace xylem::network {

struct ClientContext {
  Loop& loop;
  NetworkClient& network;
  const Clock& clock;
  Random& random;
  Logger& logger;
};

}  // namespace xylem::network
