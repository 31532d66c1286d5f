// GET /api/v1/groups, GET /api/v1/groups/{group}, POST /api/v1/groups/{group}/offsets: the commands
// of groups/group_admin.h over HTTP. The last one's body is that of group.reset without the group.
#include "broker/admin/admin_api.h"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

void run(ClientContext& client,
         const char* command,
         const std::string& json,
         const HttpReplyPtr& reply) {
  client.group_admin.run(command, json, [reply](const Result<std::string>& answer) {
    if (!answer) return reply->send_error(answer.error());
    reply->send(HttpResponse::json(200, *answer));
  });
}

void reset(ClientContext& client, const HttpRequest& request, const HttpReplyPtr& reply) {
  auto body = Json::parse(text_of(request.body), nullptr, false);
  if (!body.is_object())
    return reply->send_error(Error(Errc::kInvalidRequest, "the body is not a JSON object"));
  body["group"] = request.path_args.at("group");
  run(client, "group.reset", body.dump(), reply);
}

}  // namespace

void add_group_routes(network::HttpServer& server, AdminContext& context) {
  auto& client = context.client;
  const auto route = [&server](const char* method, const char* pattern, auto handler) {
    server.route(method, pattern, network::with_arguments({}, std::move(handler)));
  };
  route("GET", "/api/v1/groups", [&client](const HttpRequest&, const HttpReplyPtr& reply) {
    run(client, "group.list", "{}", reply);
  });
  route("GET", "/api/v1/groups/{group}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          run(client, "group.describe", Json{{"group", request.path_args.at("group")}}.dump(),
              reply);
        });
  route("POST", "/api/v1/groups/{group}/offsets",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          reset(client, request, reply);
        });
}

}  // namespace xylem::broker
