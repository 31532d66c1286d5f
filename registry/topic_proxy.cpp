#include "registry/topic_proxy.h"

#include "registry/partition_states.h"

#include <thread>
#include <utility>

namespace xylem::registry {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

std::string with_query(std::string path, const HttpRequest& request) {
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    path += std::exchange(separator, '&') + percent_encode(name) + '=' + percent_encode(value);
  }
  return path;
}

// Those that were heard of lately first.
std::vector<std::string> root_addresses(const RegistryService& service) {
  std::vector<std::string> addresses;
  for (const auto presence : {Presence::kPresent, Presence::kMissing}) {
    for (const auto& [id, node] : service.nodes().entries())
      if (node.role == Role::kRoot && node.presence == presence &&
          !node.report.addresses.http.empty())
        addresses.push_back(node.report.addresses.http);
  }
  return addresses;
}

}  // namespace

TopicProxy::TopicProxy(Loop& loop, Routes& routes, RegistryService& service)
    : loop_(loop), service_(service) {
  const auto collection = [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    pass_on(request, {.reply = reply, .shape = Shape::kTopics}, "/api/v1/topics");
  };
  const auto topic = [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    pass_on(request, {.reply = reply, .shape = Shape::kTopics},
            "/api/v1/topics/" + percent_encode(request.path_args.at("name")));
  };
  const auto records = [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    if (request.query.contains("waitMs")) {  // one thread asks for everybody
      return reply->send_error(
          Error(Errc::kInvalidRequest, "the registry does not wait for records", "ask a broker"));
    }
    pass_on(request, {.reply = reply},
            "/api/v1/topics/" + percent_encode(request.path_args.at("name")) + "/records");
  };
  const auto partitions = [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    pass_on(request, {.reply = reply, .shape = Shape::kPartitions}, "/api/v1/topics");
  };
  routes.add("GET", "/api/v1/topics", collection);
  routes.add("POST", "/api/v1/topics", collection);
  routes.add("GET", "/api/v1/topics/{name}", topic);
  routes.add("PATCH", "/api/v1/topics/{name}", topic);
  routes.add("DELETE", "/api/v1/topics/{name}", topic);
  routes.add("GET", "/api/v1/topics/{name}/records", records);
  routes.add("GET", "/api/v1/partitions", partitions);
}

TopicProxy::~TopicProxy() { client_.close(); }

void TopicProxy::pass_on(const HttpRequest& request, Pending pending, const std::string& path) {
  loop_.check_here();
  if (pending_->size() >= kPendingMax)
    return pending.reply->send_error(
        Error(Errc::kUnavailable, "too many requests wait for the root tier"));
  const auto number = next_number_++;
  pending_->emplace(number, std::move(pending));
  submit(number, {.method = request.method,
                  .target = with_query(path, request),
                  .content_type = std::string(request.header("content-type")),
                  .body = request.body,
                  .roots = root_addresses(service_)});
}

void TopicProxy::submit(std::uint64_t number, RootRequest request) {
  auto task = [this, number, waiting = std::weak_ptr(pending_), passed = std::move(request)] {
    auto result = std::make_shared<Result<HttpAnswer>>(client_.exchange(passed));
    const auto finish = [this, waiting, number, result] {
      const auto there = waiting.lock();
      if (!there) return;
      if (const auto found = there->extract(number); !found.empty())
        answer(found.mapped(), *result);  // whoever has `there` is there
    };
    while (!loop_.post(finish)) std::this_thread::yield();  // full: this thread can wait
  };
  if (!worker_.submit(std::move(task))) {
    const auto refused = pending_->extract(number);
    refused.mapped().reply->send_error(Error(Errc::kUnavailable, "the registry is overloaded"));
  }
}

void TopicProxy::answer(const Pending& pending, const Result<HttpAnswer>& result) const {
  if (!result) return pending.reply->send_error(result.error());
  if (pending.shape != Shape::kAsItIs && result->status == 200) {
    auto topics = with_reports(text_of(result->body), service_);
    if (pending.shape == Shape::kTopics)
      return pending.reply->send(HttpResponse::json(200, std::move(topics)));
    auto partitions = partitions_document(topics);
    if (!partitions) return pending.reply->send_error(partitions.error());
    return pending.reply->send(HttpResponse::json(200, *std::move(partitions)));
  }
  HttpResponse response{.status = result->status,
                        .content_type = std::string(result->header("content-type"))};
  if (!result->body.empty()) response.body.push_back(Slice::own(result->body));
  pending.reply->send(std::move(response));
}

}  // namespace xylem::registry
