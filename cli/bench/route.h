// The way that measured records take: through brokers, or through the null relay.
//
// Threads: the loop's. Callbacks run there, never inside a call.
#pragma once

#include "cli/client_runtime.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::cli {

class Route {
 public:
  struct Events {
    std::function<void()> ready;  // once: what is sent from now on will be received
    std::function<void(Bytes value)> received;
    std::function<void()> acknowledged;        // once for each record sent
    std::function<void(const Error&)> failed;  // the run is worthless
  };

  virtual ~Route() = default;
  virtual void open(Events events) = 0;
  virtual void send(std::vector<std::string> values) = 0;  // due together
};

struct BrokerRouteOptions {
  std::vector<network::Address> produce_to;
  std::vector<network::Address> consume_from;
  std::string topic;
};

std::unique_ptr<Route> make_broker_route(ClientRuntime& runtime, const BrokerRouteOptions& options);

// Both on this machine.
std::unique_ptr<Route> make_null_route(ClientRuntime& runtime,
                                       std::uint16_t produce_port,
                                       std::uint16_t consume_port);

}  // namespace xylem::cli
