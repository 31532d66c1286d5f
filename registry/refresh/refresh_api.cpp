#include "registry/refresh/refresh_api.h"

#include "registry/refresh/refresh_document.h"

#include <optional>
#include <string>
#include <utility>

namespace xylem::registry {

using network::HttpReply;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

constexpr auto kPath = "/api/v1/refreshes";
constexpr auto kJobPath = "/api/v1/refreshes/{id}";
constexpr auto kStopPath = "/api/v1/refreshes/{id}/stop";

Result<RefreshId> id_of(const HttpRequest& request) {
  return refresh_id_of(request.path_args.at("id"));
}

Error not_found(RefreshId id) {
  return {Errc::kNotFound, "no refresh " + refresh_id_text(id),
          "GET /api/v1/refreshes lists those that run and the last ones that ended"};
}

Result<RefreshPage> page_of(const HttpRequest& request) {
  RefreshPage page;
  auto from = request.number("from", 0, 0, INT32_MAX);
  if (!from) return pass(from);
  auto limit = request.number("limit", RefreshApi::kNodesDefault, 1, RefreshApi::kNodesMax);
  if (!limit) return pass(limit);
  page.from = *from;
  page.limit = *limit;
  const auto state = request.argument("state");
  if (state.empty()) return page;
  page.state = job_node_state_of(state);
  if (!page.state)
    return fail(Errc::kInvalidRequest,
                "argument state: must be WAITING, ORDERED, RUNNING, COMPLETED, ABORTED, AWAY or "
                "NOT_BEGUN");
  return page;
}

}  // namespace

RefreshApi::RefreshApi(Routes& routes, RefreshJobs& jobs) : jobs_(jobs) {
  routes.add("POST", kPath, [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    start(request, reply);
  });
  routes.add("GET", kPath,
             network::with_arguments({"after", "limit"},
                                     [this](const HttpRequest& request, const HttpReplyPtr& reply) {
                                       list(request, *reply);
                                     }));
  routes.add("GET", kJobPath,
             network::with_arguments({"from", "limit", "state"},
                                     [this](const HttpRequest& request, const HttpReplyPtr& reply) {
                                       get(request, *reply);
                                     }));
  routes.add("POST", kStopPath, [this](const HttpRequest& request, const HttpReplyPtr& reply) {
    stop(request, *reply);
  });
}

void RefreshApi::start(const HttpRequest& request, const HttpReplyPtr& reply) {
  auto order = decode_refresh_request(request.body);
  if (!order) return reply->send_error(order.error());
  const auto number = next_number_++;
  waiting_->emplace(number, reply);
  jobs_.start(*order, request.peer,
              [this, number, waiting = std::weak_ptr(waiting_)](const Result<RefreshId>& started,
                                                                std::optional<RefreshId> other) {
                if (!waiting.expired()) answer(number, started, other);
              });
}

void RefreshApi::answer(std::uint64_t number,
                        const Result<RefreshId>& started,
                        std::optional<RefreshId> other) {
  const auto reply = waiting_->extract(number).mapped();
  if (!started) {
    std::string member;
    if (other) member.append(R"("refresh":")").append(refresh_id_text(*other)).append("\"");
    return reply->send(network::problem(started.error(), member));
  }
  std::string location(kPath);
  location.append("/").append(refresh_id_text(*started));
  auto response = HttpResponse::json(202, refresh_document(*jobs_.find(*started)));
  response.headers.emplace_back("location", std::move(location));
  reply->send(std::move(response));
}

void RefreshApi::list(const HttpRequest& request, HttpReply& reply) const {
  std::optional<RefreshId> after;
  if (const auto text = request.argument("after"); !text.empty()) {
    auto id = refresh_id_of(text);
    if (!id) return reply.send_error(std::move(id).error().within("argument after"));
    after = *id;
  }
  auto limit = request.number("limit", kListDefault, 1, kListMax);
  if (!limit) return reply.send_error(limit.error());
  auto document = refresh_list_document(jobs_, after, *limit);
  if (!document) return reply.send_error(document.error());
  reply.send(HttpResponse::json(200, *std::move(document)));
}

void RefreshApi::get(const HttpRequest& request, HttpReply& reply) const {
  auto id = id_of(request);
  if (!id) return reply.send_error(id.error());
  auto page = page_of(request);
  if (!page) return reply.send_error(page.error());
  const auto* job = jobs_.find(*id);
  if (job == nullptr) return reply.send_error(not_found(*id));
  reply.send(HttpResponse::json(200, refresh_document(*job, *page)));
}

void RefreshApi::stop(const HttpRequest& request, HttpReply& reply) {
  auto id = id_of(request);
  if (!id) return reply.send_error(id.error());
  auto order = decode_stop_request(request.body);
  if (!order) return reply.send_error(order.error());
  if (jobs_.find(*id) == nullptr) return reply.send_error(not_found(*id));
  if (auto stopped = jobs_.stop(*id, *order, request.peer); !stopped)
    return reply.send_error(stopped.error());
  reply.send(HttpResponse::json(200, refresh_document(*jobs_.find(*id))));
}

}  // namespace xylem::registry
