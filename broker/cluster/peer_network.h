// How root brokers talk to each other besides the pipe (RAFT_PORT): frames of the native protocol.
//
// To each peer this broker keeps one connection, opened by HELLO with the node's id. On it go
// QUORUM frames, messages of the quorum that nobody answers and that are lost when the connection
// is, and ADMIN frames, commands for whoever is the controller, with an answer. A peer that turns
// out to be another node, or of another cluster, gets nothing.
//
// Threads: the loop's; hooks run there.
#pragma once

#include "broker/cluster/root_peers.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/result.h"
#include "network/client/client_session.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::broker {

class PeerNetwork {
 public:
  static constexpr std::uint64_t kAnswerMsMax = 5'000;

  struct Hooks {
    std::function<void(ReplicaId from, Bytes message)> message;
    std::function<void(const std::string& command, std::function<void(Status)> done)> command;
    std::function<void(ReplicaId peer)> reached;
    std::function<void(ReplicaId peer)> refused;  // nobody listens where it should be
  };

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Logger& logger;
    network::NetworkClient& client;
    network::NetworkServer& server;
  };

  struct Options {
    ReplicaId self;
    std::vector<RootPeer> peers;  // by number
    ClusterId cluster;
  };

  PeerNetwork(const Context& context, Options options, Hooks hooks);
  ~PeerNetwork();
  PeerNetwork(const PeerNetwork&) = delete;
  PeerNetwork& operator=(const PeerNetwork&) = delete;

  // Listens, and begins to connect. The answer is the port it got.
  Result<std::uint16_t> start(const network::Address& address);

  // Lost when the peer is not connected, or does not take what was sent before.
  void send(ReplicaId to, Buffer message);

  // `done`: what the peer's `Hooks::command` said; kUnavailable: not connected, or no answer.
  void ask(ReplicaId to, const std::string& command, std::function<void(Status)> done);

 private:
  class Guest;

  [[nodiscard]] const RootPeer& self() const;
  void connect(ReplicaId to);
  [[nodiscard]] bool is_who_we_want(ReplicaId peer, const network::HelloAnswer& hello) const;
  void accept(std::shared_ptr<network::Connection> connection);
  void forget(const Guest* guest);

  Context context_;
  Options options_;
  Hooks hooks_;
  std::map<ReplicaId, std::unique_ptr<network::ClientSession>> sessions_;
  std::map<ReplicaId, bool> is_connected_;
  std::map<ReplicaId, bool> is_right_;  // of each session's peer, while it is connected
  std::map<const Guest*, std::unique_ptr<Guest>> guests_;
};

}  // namespace xylem::broker
