// One session of a Consumer, and what it subscribed to there.
//
// Threads: the loop's.
#pragma once

#include "network/client/client_session.h"
#include "network/client/consumed_topic.h"
#include "network/client/consumer.h"
#include "network/client/subscription.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {

class ConsumerLane {
 public:
  struct Hooks {
    std::function<void(ClientSession&, const HelloAnswer&)> connected;  // nothing is asked yet
    std::function<void(ConsumedTopic&, const std::vector<PartitionElsewhere>&)> answered;
    std::function<void(ConsumedTopic&)> failed;
    std::function<void(const Error&)> lost;   // a connection, or an attempt at one, has ended
    std::function<void(const Frame&)> other;  // pushed, and of no subscription
  };

  ConsumerLane(const ClientContext& context,
               std::vector<Address> brokers,  // tried in turn
               const Consumer::Options& options,
               const Consumer::Handlers& handlers,
               Hooks hooks);

  void start() { session_.start(); }

  // Adds a topic. `only`: as Subscription says.
  Subscription& add(ConsumedTopic& topic, const std::optional<Subscription::Partitions>& only);

  // Of the topic exactly these partitions.
  void want(ConsumedTopic& topic, Subscription::Partitions partitions);

  // Null: not of this topic.
  Subscription* subscription(const ConsumedTopic& topic);

  // No topic wants anything from here.
  [[nodiscard]] bool is_unused() const;

  [[nodiscard]] bool is_ready() const { return session_.is_ready(); }

 private:
  ClientSession::Handlers handlers();

  ClientContext context_;
  const Consumer::Options& options_;
  const Consumer::Handlers& handlers_;
  Hooks hooks_;
  ClientSession session_;
  std::map<std::string, Subscription> subscriptions_;  // by topic
};

}  // namespace xylem::network
