// POST and GET /api/v1/refreshes, GET and DELETE /api/v1/refreshes/{id}: this broker's refreshes
// (refresh/refresh_status.h). POST's body: {"topic":"prices","reason":"...","id":"<16 hex>",
// "by":"..."}; the last three may be left out.
#include "broker/admin/admin_api.h"
#include "broker/cluster/json_fields.h"
#include "broker/json/json_text.h"
#include "broker/refresh/refreshes.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace xylem::broker {
namespace {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

struct Wanted {
  std::string topic;
  std::string reason;
  std::string by;
  std::optional<std::uint64_t> id;
};

Result<Wanted> read_wanted(const HttpRequest& request) {
  const auto body = parse_json_object(text_of(request.body), "the body");
  if (!body) return std::unexpected(body.error());
  JsonFields fields(*body, "a refresh");
  Wanted wanted{.topic = fields.text("topic"), .reason = {}, .by = {}, .id = {}};
  if (fields.has("reason")) wanted.reason = fields.text("reason");
  if (fields.has("by")) wanted.by = fields.text("by");
  if (fields.has("id")) {
    const auto id = refresh_id_of(fields.text("id"));
    if (!id) return std::unexpected(id.error());
    wanted.id = *id;
  }
  if (auto good = fields.done(); !good) return pass(good);
  return wanted;
}

void start(Refreshes& refreshes, const HttpRequest& request, const HttpReplyPtr& reply) {
  const auto wanted = read_wanted(request);
  if (!wanted) return reply->send_error(wanted.error());
  const auto by = (wanted->by.empty() ? "somebody" : wanted->by) + " at " + request.peer;
  const auto started = refreshes.start(wanted->topic, wanted->reason, wanted->id, by);
  if (!started) return reply->send_error(started.error());
  reply->send(HttpResponse::json(202, to_json(*started)));
}

void list(const Refreshes& refreshes, const HttpRequest& request, const HttpReplyPtr& reply) {
  const auto topic = request.query.find("topic");
  std::string all;
  for (const auto& one : refreshes.list()) {
    if (topic != request.query.end() && one.topic != topic->second) continue;
    all += (all.empty() ? "" : ",") + to_json(one);
  }
  reply->send(HttpResponse::json(200, "{\"refreshes\":[" + all + "]}"));
}

void answer(const Refreshes& refreshes, std::uint64_t id, const HttpReplyPtr& reply) {
  const auto found = refreshes.find(id);
  if (!found)
    return reply->send_error({Errc::kNotFound, "no refresh " + refresh_id_text(id) + " here",
                              "a broker remembers the last ones only: see /api/v1/refreshes"});
  reply->send(HttpResponse::json(200, to_json(*found)));
}

void stop(Refreshes& refreshes,
          std::uint64_t id,
          const HttpRequest& request,
          const HttpReplyPtr& reply) {
  if (auto stopped = refreshes.abort(id, "stopped by somebody at " + request.peer); !stopped)
    return reply->send_error(stopped.error());
  answer(refreshes, id, reply);
}

}  // namespace

void add_refresh_routes(network::HttpServer& server, Refreshes& refreshes) {
  const auto route = [&server](const char* method, const char* pattern, auto handler,
                               std::vector<std::string> known = {}) {
    server.route(method, pattern, network::with_arguments(std::move(known), std::move(handler)));
  };
  route("POST", "/api/v1/refreshes",
        [&refreshes](const HttpRequest& request, const HttpReplyPtr& reply) {
          start(refreshes, request, reply);
        });
  route("GET", "/api/v1/refreshes",
        [&refreshes](const HttpRequest& request, const HttpReplyPtr& reply) {
          list(refreshes, request, reply);
        },
        {"topic"});
  const auto with_id = [](auto handler) {
    return [handler](const HttpRequest& request, const HttpReplyPtr& reply) {
      const auto id = refresh_id_of(request.path_args.at("id"));
      if (!id) return reply->send_error(id.error());
      handler(*id, request, reply);
    };
  };
  route("GET", "/api/v1/refreshes/{id}",
        with_id([&refreshes](auto id, const auto&, const HttpReplyPtr& reply) {
          answer(refreshes, id, reply);
        }));
  route("DELETE", "/api/v1/refreshes/{id}",
        with_id([&refreshes](auto id, const HttpRequest& request, const HttpReplyPtr& reply) {
          stop(refreshes, id, request, reply);
        }));
}

}  // namespace xylem::broker
