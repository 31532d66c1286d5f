// The client port: accepts connections and tells their sessions what moved.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/delivery/client_session.h"
#include "common/result.h"
#include "common/timer.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace xylem::broker {

class ClientListener {
 public:
  ClientListener(ClientContext context, std::unique_ptr<network::NetworkServer> server);
  ~ClientListener();
  ClientListener(const ClientListener&) = delete;
  ClientListener& operator=(const ClientListener&) = delete;

  // The answer is the port it got.
  Result<std::uint16_t> listen(const network::Address& address);

  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

 private:
  void accept(std::shared_ptr<network::Connection> connection);
  void forget(ClientSession* session);

  ClientContext context_;
  std::unordered_map<ClientSession*, std::unique_ptr<ClientSession>> sessions_;
  Timer liveness_timer_;
  Gauge& connections_;
  std::unique_ptr<network::NetworkServer> server_;
};

}  // namespace xylem::broker
