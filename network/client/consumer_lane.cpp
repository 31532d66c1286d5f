#include "network/client/consumer_lane.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

ConsumerLane::ConsumerLane(const ClientContext& context,
                           std::vector<Address> brokers,
                           const Consumer::Options& options,
                           const Consumer::Handlers& handlers,
                           Hooks hooks)
    : context_(context),
      options_(options),
      handlers_(handlers),
      hooks_(std::move(hooks)),
      session_(context,
               {.brokers = std::move(brokers),
                .client_id = options.client_id,
                .token = {},
                .connect_timeout_ms = options.connect_timeout_ms,
                .backoff_ms = options.backoff_ms,
                .backoff_max_ms = options.backoff_max_ms},
               this->handlers()) {}

ClientSession::Handlers ConsumerLane::handlers() {
  ClientSession::Handlers handlers;
  handlers.ready = [this](const HelloAnswer& hello) {
    hooks_.connected(session_, hello);
    for (auto& [topic, subscription] : subscriptions_) subscription.connected();
  };
  handlers.lost = [this](const Error& why) {
    for (auto& [topic, subscription] : subscriptions_) subscription.disconnected();
    hooks_.lost(why);
  };
  handlers.frame = [this](const Frame& frame) {
    for (auto& [topic, subscription] : subscriptions_)
      if (subscription.on_frame(frame)) return;
    hooks_.other(frame);
  };
  return handlers;
}

Subscription& ConsumerLane::add(ConsumedTopic& topic,
                                const std::optional<Subscription::Partitions>& only) {
  Subscription::Hooks hooks{
      .answered = [this, &topic](const auto& elsewhere) { hooks_.answered(topic, elsewhere); },
      .failed = [this, &topic] { hooks_.failed(topic); }};
  return subscriptions_
      .try_emplace(topic.name(), context_, session_, options_, handlers_, topic, only,
                   std::move(hooks))
      .first->second;
}

void ConsumerLane::want(ConsumedTopic& topic, Subscription::Partitions partitions) {
  auto* known = subscription(topic);
  if (known == nullptr) {
    if (partitions.empty()) return;
    known = &add(topic, Subscription::Partitions());
  }
  known->want(std::move(partitions));
}

Subscription* ConsumerLane::subscription(const ConsumedTopic& topic) {
  const auto found = subscriptions_.find(topic.name());
  return found == subscriptions_.end() ? nullptr : &found->second;
}

bool ConsumerLane::is_unused() const {
  return std::ranges::none_of(subscriptions_,
                              [](const auto& one) { return one.second.is_wanted(); });
}

}  // namespace xylem::network
