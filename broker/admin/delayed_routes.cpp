// GET /api/v1/delayed: what waits in the partitions of `__delayed` that this broker leads.
//
// A topic's partitions are spread over those: in a root tier of several each broker tells its part.
#include "broker/admin/admin_api.h"
#include "broker/delayed/delayed_records.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

Json numbers(const std::vector<PartitionId>& partitions) {
  auto all = Json::array();
  for (const auto partition : partitions) all.push_back(partition.value());
  return all;
}

// Null: the topic was deleted, and what waits for it is being dropped.
Json name_of(const TopicCatalog& topics, const TopicId& id) {
  for (const auto* topic : topics.all()) {
    if (topic->incarnation.topic == id) return topic->name;
  }
  return nullptr;
}

Json to_object(const DelayedRecords::View& view, const TopicCatalog& topics) {
  auto list = Json::array();
  std::uint64_t parked = 0;
  for (const auto& [id, waiting] : view.topics) {
    parked += waiting.records;
    Json topic{{"topic", name_of(topics, id)},
               {"topicId", id.text()},
               {"parked", waiting.records},
               {"bytes", waiting.bytes}};
    // Where it has none, all are on their way.
    if (waiting.next_due_ms) topic["nextDueAt"] = *waiting.next_due_ms;
    list.push_back(std::move(topic));
  }
  return {{"parked", parked},
          {"topics", std::move(list)},
          {"partitions", numbers(view.led)},
          {"reading", numbers(view.reading)}};
}

}  // namespace

void add_delayed_routes(network::HttpServer& server, AdminContext& context) {
  server.route(
      "GET", "/api/v1/delayed",
      network::with_arguments({}, [&context](const network::HttpRequest&,
                                             const network::HttpReplyPtr& reply) {
        const auto& client = context.client;
        const auto view =
            client.delayed == nullptr ? DelayedRecords::View() : client.delayed->view();
        reply->send(network::HttpResponse::json(200, json_text(to_object(view, client.topics))));
      }));
}

}  // namespace xylem::broker
