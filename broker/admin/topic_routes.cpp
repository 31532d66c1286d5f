// GET, POST, PATCH, DELETE of /api/v1/topics.
#include "broker/admin/admin_api.h"
#include "broker/catalog/topic_admin.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

// Of a partition that is not here: who leads it.
Json describe(const ClientContext& client, const TopicDefinition& topic, std::int32_t number) {
  const auto leader = client.leader_of(topic.log(number));
  Json state{{"partition", number}, {"leader", leader.node}, {"epoch", leader.epoch.value()}};
  const auto* partition = client.partitions.find(topic.log(number));
  if (partition == nullptr) return state;
  const auto& log = *partition->log();
  state.update({{"epoch", partition->epoch().value()},
                {"start", log.start_offset().value()},
                {"end", log.end_offset().value()},
                {"highWatermark", partition->high_watermark().value()},
                {"bytes", log.bytes()},
                {"segments", log.segments().size()}});
  if (partition->age_ms() != Partition::kAgeUnknown) state["ageMs"] = partition->age_ms();
  return state;
}

Json describe(const ClientContext& client, const TopicDefinition& topic) {
  auto json = Json::parse(to_json(topic));
  json["internal"] = topic.is_internal();
  auto states = Json::array();
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    states.push_back(describe(client, topic, p));
  }
  json["partitionState"] = std::move(states);
  return json;
}

void answer_with(const HttpReplyPtr& reply, int status, const Result<std::string>& json) {
  if (!json) return reply->send_error(json.error());
  if (status == 204)
    return reply->send({.status = 204, .content_type = "", .headers = {}, .body = {}});
  reply->send(HttpResponse::json(status, *json));
}

// Only the owner changes topics; everybody else names it. But one of its own a broker changes.
bool refuse_elsewhere(const ClientContext& client,
                      const HttpReplyPtr& reply,
                      const std::string& name = {}) {
  if (client.topics.is_owner() || client.topics.is_local(name)) return false;
  reply->send_error(Error(Errc::kNotLeader, "topics are changed at the root of the cluster",
                          client.leader().http));
  return true;
}

void list(const ClientContext& client, const HttpReplyPtr& reply) {
  auto topics = Json::array();
  for (const auto* topic : client.topics.all()) topics.push_back(describe(client, *topic));
  reply->send(HttpResponse::json(200, json_text({{"topics", std::move(topics)}})));
}

// The body's fields under the name that the path gives.
Result<std::string> with_name(const HttpRequest& request) {
  auto body = parse_json_object(request.body.empty() ? "{}" : text_of(request.body), "the body");
  if (!body) return pass(body);
  (*body)["name"] = request.path_args.at("name");
  return json_text(*body);
}

}  // namespace

void add_topic_routes(network::HttpServer& server, AdminContext& context) {
  auto& client = context.client;
  const auto route = [&server](const char* method, const char* pattern, auto handler) {
    server.route(method, pattern, network::with_arguments({}, std::move(handler)));
  };
  route("GET", "/api/v1/topics",
        [&client](const HttpRequest&, const HttpReplyPtr& reply) { list(client, reply); });
  route("GET", "/api/v1/topics/{name}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          const auto& name = request.path_args.at("name");
          const auto* topic = client.topics.find(name);
          if (topic == nullptr) {
            return reply->send_error(
                Error(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\" here"));
          }
          reply->send(HttpResponse::json(200, json_text(describe(client, *topic))));
        });
  route("POST", "/api/v1/topics", [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
    if (refuse_elsewhere(client, reply)) return;
    run_topic_command(client.topics, "topic.create", text_of(request.body),
                      [reply](const auto& json) { answer_with(reply, 201, json); });
  });
  route("PATCH", "/api/v1/topics/{name}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          if (refuse_elsewhere(client, reply, request.path_args.at("name"))) return;
          const auto body = with_name(request);
          if (!body) return reply->send_error(body.error());
          run_topic_command(client.topics, "topic.alter", *body,
                            [reply](const auto& json) { answer_with(reply, 200, json); });
        });
  route("DELETE", "/api/v1/topics/{name}",
        [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
          if (refuse_elsewhere(client, reply, request.path_args.at("name"))) return;
          const auto body = with_name(request);
          if (!body) return reply->send_error(body.error());
          run_topic_command(client.topics, "topic.delete", *body,
                            [reply](const auto& json) { answer_with(reply, 204, json); });
        });
}

}  // namespace xylem::broker
