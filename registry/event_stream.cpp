#include "registry/event_stream.h"

#include "registry/documents.h"
#include "registry/refresh/refresh_document.h"

#include <utility>
#include <vector>

namespace xylem::registry {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::sse_event;

EventStream::EventStream(
    Loop& loop, Routes& routes, RegistryService& service, RefreshJobs& refreshes, Metrics& metrics)
    : loop_(loop),
      service_(service),
      refreshes_(refreshes),
      clients_gauge_(metrics.gauge("xylem_registry_event_streams", "Open event streams")),
      flush_(loop),
      keep_alive_(loop) {
  service_.observe(*this);
  refreshes_.observe([this](RefreshId id) { on_refresh(id); });
  metrics.on_scrape([gauge = &clients_gauge_, clients = std::weak_ptr(clients_)] {
    const auto there = clients.lock();
    gauge->set(there ? static_cast<double>(there->size()) : 0);
  });
  routes.add(
      "GET", "/api/v1/events",
      [this](const HttpRequest& request, const HttpReplyPtr& reply) { open(request, reply); });
  keep_alive_.start(kKeepAliveMs, kKeepAliveMs, [this] { keep_alive(); });
}

EventStream::~EventStream() {
  const auto clients = std::exchange(*clients_, {});
  for (const auto& [number, client] : clients) client.reply->end();
}

void EventStream::on_node(const NodeId& id) {
  for (auto& [number, client] : *clients_) client.nodes.insert(id);
  want_flush();
}

void EventStream::on_gone(const NodeId& id) {
  for (auto& [number, client] : *clients_) client.gone.insert(id);
  want_flush();
}

void EventStream::on_topology() {
  for (auto& [number, client] : *clients_) client.topology = true;
  want_flush();
}

void EventStream::on_refresh(RefreshId id) {
  for (auto& [number, client] : *clients_) client.refreshes.insert(id);
  want_flush();
}

void EventStream::open(const HttpRequest& request, const HttpReplyPtr& reply) {
  loop_.check_here();
  if (clients_->size() >= kClientsMax)
    return reply->send_error(
        Error(Errc::kQuotaExceeded, "more than " + std::to_string(kClientsMax) + " event streams"));
  if (request.method == "HEAD") return reply->send({.content_type = "text/event-stream"});
  const auto number = next_number_++;
  reply->start({.status = 200, .content_type = "text/event-stream"});
  reply->on_gone([clients = std::weak_ptr(clients_), number] {
    if (const auto there = clients.lock()) there->erase(number);
  });
  clients_->emplace(number, Client{.reply = reply});
  want_flush();
}

void EventStream::want_flush() {
  if (!clients_->empty() && !flush_.is_active()) flush_.start(kFlushMs, 0, [this] { flush(); });
}

void EventStream::flush() {
  std::vector<std::uint64_t> numbers;  // a write may close a client
  for (const auto& [number, client] : *clients_) numbers.push_back(number);
  std::map<NodeId, Slice> encoded;
  for (const auto number : numbers) flush_client(number, encoded);
}

void EventStream::flush_client(std::uint64_t number, std::map<NodeId, Slice>& encoded) {
  const auto writable = [&]() -> Client* {
    const auto found = clients_->find(number);
    return found == clients_->end() || found->second.is_full ? nullptr : &found->second;
  };
  if (Client* client = writable(); client != nullptr && std::exchange(client->topology, false))
    write(number, *client,
          sse_event("topology",
                    R"({"topologyVersion":)" + std::to_string(service_.topology_version()) + "}"));
  for (Client* client = writable(); client != nullptr && !client->gone.empty();
       client = writable()) {
    const auto id = client->gone.extract(client->gone.begin()).value();
    client->nodes.erase(id);
    write(number, *client, node_event(id, /*is_gone=*/true));
  }
  for (Client* client = writable(); client != nullptr && !client->refreshes.empty();
       client = writable()) {
    const auto id = client->refreshes.extract(client->refreshes.begin()).value();
    write(number, *client, refresh_event(id));
  }
  for (Client* client = writable(); client != nullptr && !client->nodes.empty();
       client = writable()) {
    const auto id = client->nodes.extract(client->nodes.begin()).value();
    auto [event, is_new] = encoded.try_emplace(id);
    if (is_new) event->second = node_event(id, /*is_gone=*/false);
    write(number, *client, event->second);
  }
}

Slice EventStream::refresh_event(RefreshId id) const {
  const auto* job = refreshes_.find(id);
  if (job == nullptr) return {};  // kept no longer
  return sse_event("refresh", refresh_document(*job));
}

Slice EventStream::node_event(const NodeId& id, bool is_gone) const {
  const NodeEntry* node = service_.nodes().find(id);
  if (node == nullptr) return {};  // forgotten meanwhile: the topology event says so
  return sse_event(is_gone ? "gone" : "node", node_document(service_, *node));
}

void EventStream::write(std::uint64_t number, Client& client, Slice event) {
  if (event.bytes.empty()) return;
  if (client.reply->write(std::move(event)) <= kQueuedBytesMax) return;
  const auto found = clients_->find(number);
  if (found == clients_->end()) return;
  found->second.is_full = true;
  found->second.reply->on_drained([this, clients = std::weak_ptr(clients_), number] {
    const auto there = clients.lock();
    if (!there) return;
    if (const auto drained = there->find(number); drained != there->end()) {
      drained->second.is_full = false;
      want_flush();
    }
  });
}

void EventStream::keep_alive() {
  std::vector<HttpReplyPtr> replies;
  for (const auto& [number, client] : *clients_)
    if (!client.is_full) replies.push_back(client.reply);
  for (const auto& reply : replies) reply->write(Slice::copy(bytes_of(": keep-alive\n\n")));
}

}  // namespace xylem::registry
