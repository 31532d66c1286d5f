#include "registry/topology_api.h"

#include "registry/documents.h"

#include <utility>
#include <vector>

namespace xylem::registry {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

void send(const TopologyDocument& document, std::string_view held_etag, network::HttpReply& reply) {
  HttpResponse response;
  if (held_etag == document.etag) {
    response.status = 304;
  } else {
    response = HttpResponse::json(200, document.json);
  }
  response.headers.emplace_back("etag", document.etag);
  reply.send(std::move(response));
}

}  // namespace

TopologyApi::TopologyApi(Loop& loop, Routes& routes, RegistryService& service)
    : loop_(loop), service_(service), settle_(loop) {
  service_.observe(*this);
  routes.add(
      "GET", "/registry/topology",
      [this](const HttpRequest& request, const HttpReplyPtr& reply) { get(request, reply); });
}

TopologyApi::~TopologyApi() {
  while (!waiters_->empty()) answer(waiters_->begin()->first);
}

void TopologyApi::on_topology() {
  if (!settle_.is_active()) settle_.start(kSettleMs, 0, [this] { wake_changed(); });
}

void TopologyApi::get(const HttpRequest& request, const HttpReplyPtr& reply) {
  loop_.check_here();
  const NodeId node(request.argument("nodeId"));
  if (auto good = check_node_id(node); !good)
    return reply->send_error(std::move(good).error().within("argument nodeId"));
  auto wait_ms = request.number("wait", 0, 0, kWaitMax);
  if (!wait_ms) return reply->send_error(wait_ms.error());
  auto assignment = service_.assignment_of(node);
  if (!assignment) return reply->send_error(assignment.error());
  const auto document = topology_document(service_, *assignment);
  const std::string held(request.header("if-none-match"));
  if (*wait_ms == 0 || held != document.etag || waiters_->size() >= kWaitersMax)
    return send(document, held, *reply);
  wait({.reply = reply, .node = node, .etag = held}, *wait_ms);
}

void TopologyApi::wait(Waiter waiter, std::int64_t wait_ms) {
  const auto number = next_number_++;
  waiter.deadline = std::make_unique<Timer>(loop_);
  waiter.deadline->start(static_cast<std::uint64_t>(wait_ms), 0,
                         [this, number] { answer(number); });
  waiter.reply->on_gone([waiters = std::weak_ptr(waiters_), number] {
    if (const auto there = waiters.lock()) there->erase(number);
  });
  waiters_->emplace(number, std::move(waiter));
}

void TopologyApi::wake_changed() {
  std::vector<std::uint64_t> changed;
  for (const auto& [number, waiter] : *waiters_) {
    const auto assignment = service_.assignment_of(waiter.node);
    if (!assignment ||
        topology_document(service_, *assignment).content != content_of_etag(waiter.etag))
      changed.push_back(number);
  }
  for (const auto number : changed) answer(number);
}

void TopologyApi::answer(std::uint64_t number) {
  const auto found = waiters_->extract(number);
  if (found.empty()) return;
  const Waiter& waiter = found.mapped();
  auto assignment = service_.assignment_of(waiter.node);
  if (!assignment) return waiter.reply->send_error(assignment.error());
  send(topology_document(service_, *assignment), waiter.etag, *waiter.reply);
}

}  // namespace xylem::registry
