#include "broker/delivery/client_listener.h"

#include "broker/delivery/delivery_gaps.h"

#include <utility>
#include <vector>

namespace xylem::broker {

ClientListener::ClientListener(ClientContext context,
                               std::unique_ptr<network::NetworkServer> server)
    : context_(std::move(context)),
      liveness_timer_(context_.loop),
      connections_(context_.metrics.gauge("xylem_broker_client_connections",
                                          "Client connections open now.")),
      server_(std::move(server)) {
  static_cast<void>(gap_counters(context_.metrics));  // they are there before the first gap
  context_.partitions.observe([this](const Partition& moved) {
    for (auto& [session, owned] : sessions_) session->on_partition_moved(moved);
  });
  context_.topics.observe([this](const TopicDefinition& topic, bool removed) {
    for (auto& [session, owned] : sessions_) session->on_topic_changed(topic, removed);
  });
  if (context_.dead_letters != nullptr) {
    context_.dead_letters->observe([this](const std::string& topic) {
      for (auto& [session, owned] : sessions_) session->push_topic(topic);
    });
  }
  liveness_timer_.start(ClientSession::kHeartbeatMs, ClientSession::kHeartbeatMs, [this] {
    for (auto& [session, owned] : sessions_) session->check_alive();
  });
}

ClientListener::~ClientListener() = default;

Result<std::uint16_t> ClientListener::listen(const network::Address& address) {
  return server_->listen(address, [this](auto connection) { accept(std::move(connection)); });
}

void ClientListener::accept(std::shared_ptr<network::Connection> connection) {
  const ClientSession::Hooks hooks{.closed = [this](ClientSession* closed) { forget(closed); },
                                   .subscribed =
                                       [this](const ClientSession* by, const Subscription& newer) {
                                         for (auto& [session, owned] : sessions_)
                                           if (session != by) session->yield_to(newer);
                                       }};
  auto session = std::make_unique<ClientSession>(context_, std::move(connection), hooks);
  auto* const key = session.get();
  sessions_.emplace(key, std::move(session));
  connections_.set(static_cast<double>(sessions_.size()));
}

void ClientListener::forget(ClientSession* session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  // Not inside its own callback.
  auto gone = std::make_shared<std::unique_ptr<ClientSession>>(std::move(found->second));
  sessions_.erase(found);
  connections_.set(static_cast<double>(sessions_.size()));
  context_.loop.answer([gone] { gone->reset(); });
}

}  // namespace xylem::broker
