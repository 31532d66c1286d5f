// What a client under test is given: a loop, a network in memory, time, chance.
#pragma once

#include "network/client/context.h"
#include "tests/support/fake_broker.h"
#include "tests/support/run_until.h"

#include <functional>
#include <memory>

namespace xylem::testing {

struct ClientWorld {
  Loop loop;
  network::MemoryHub hub{loop};
  std::unique_ptr<network::NetworkClient> network = hub.make_client();
  SystemClock clock;
  Random random{7};
  network::ClientContext context{loop, *network, clock, random, Logger::none()};
  FakeBroker first{hub, 1};
  FakeBroker second{hub, 2};

  [[nodiscard]] bool until(const std::function<bool()>& condition) {
    return run_until(loop, condition);
  }

  void turn(std::uint64_t ms = 30) { run_for(loop, ms); }
};

}  // namespace xylem::testing
