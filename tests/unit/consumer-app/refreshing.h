// A broker's refresh of topic "t", frame by frame.
#pragma once

#include "tests/support/fake_broker.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace xylem::consumer_app {

// The broker's end of the daemon's subscription.
struct Subscriber {
  xylem::testing::FakeBroker::Peer* peer = nullptr;
  std::uint64_t id = 0;
};

inline Subscriber subscriber(xylem::testing::FakeBroker& broker) {
  for (auto& peer : broker.peers) {
    if (peer.connection && !peer.subscriptions.empty())
      return {&peer, peer.subscriptions.rbegin()->first};
  }
  return {};
}

inline void send(xylem::testing::FakeBroker& broker,
                 network::FrameType type,
                 const network::Refresh& refresh) {
  const auto to = subscriber(broker);
  REQUIRE(to.peer != nullptr);
  const auto payload = Slice::own(network::encode(refresh));
  to.peer->connection->send(type, to.id, {&payload, 1});
}

inline network::Refresh refresh(std::uint64_t id,
                                const xylem::testing::FakeBroker& broker,
                                std::int64_t barrier = 0) {
  return {.topic = "t",
          .refresh_id = id,
          .incarnation = broker.topics.at("t").incarnation,
          .reason = "test",
          .barrier = {Offset(barrier)}};
}

// Sends the topic's whole log as a refresh's replay.
inline void replay(xylem::testing::FakeBroker& broker, std::uint64_t id) {
  const auto to = subscriber(broker);
  for (const auto& batch : broker.topics.at("t").partitions[0].batches)
    broker.send_batch(*to.peer, to.id, {"t", PartitionId(0)}, batch, id);
}

}  // namespace xylem::consumer_app
