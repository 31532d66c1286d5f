// GET /api/v1/groups, GET and DELETE /api/v1/groups/{group}, POST /api/v1/groups/{group}/offsets
// (its body is that of group.reset without the group), DELETE
// /api/v1/groups/{group}/instances/{instance}: the commands of groups/group_admin.h over HTTP.
#include "broker/admin/admin_api.h"
#include "broker/groups/coordinated_offsets.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

// Where NOT_LEADER's hint is the coordinator's HTTP address, if that is known.
Error addressed(const ClientContext& client, const std::string& group, const Error& error) {
  if (error.code() != Errc::kNotLeader) return error;
  return {error.code(), error.what(), client.leader_of(group_offsets_log(group)).http};
}

void run(ClientContext& client,
         const char* command,
         const std::string& json,
         const std::string& group,
         const HttpReplyPtr& reply) {
  client.group_admin.run(command, json, [&client, group, reply](const auto& answer) {
    if (!answer) return reply->send_error(addressed(client, group, answer.error()));
    reply->send(HttpResponse::json(200, *answer));
  });
}

void reset(ClientContext& client, const HttpRequest& request, const HttpReplyPtr& reply) {
  const auto body = parse_json_object(text_of(request.body), "the body");
  if (!body) return reply->send_error(body.error());
  auto wanted = *body;
  const auto& group = request.path_args.at("group");
  wanted["group"] = group;
  run(client, "group.reset", json_text(wanted), group, reply);
}

}  // namespace

void add_group_routes(network::HttpServer& server, AdminContext& context) {
  auto& client = context.client;
  const auto route = [&server](const char* method, const char* pattern, auto handler) {
    server.route(method, pattern, network::with_arguments({}, std::move(handler)));
  };
  route("GET", "/api/v1/groups", [&client](const HttpRequest&, const HttpReplyPtr& reply) {
    run(client, "group.list", "{}", {}, reply);
  });
  route("GET", "/api/v1/groups/{group}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          run(client, "group.describe", json_text({{"group", request.path_args.at("group")}}),
              request.path_args.at("group"), reply);
        });
  route("DELETE", "/api/v1/groups/{group}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          run(client, "group.delete", json_text({{"group", request.path_args.at("group")}}),
              request.path_args.at("group"), reply);
        });
  route("POST", "/api/v1/groups/{group}/offsets",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          reset(client, request, reply);
        });
  route("DELETE", "/api/v1/groups/{group}/instances/{instance}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          const auto& group = request.path_args.at("group");
          const auto& instance = request.path_args.at("instance");
          run(client, "group.forget", json_text({{"group", group}, {"instance", instance}}), group,
              reply);
        });
}

}  // namespace xylem::broker
