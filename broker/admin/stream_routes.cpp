// GET /api/v1/topics/{name}/stream.
#include "broker/admin/admin_api.h"

#include <memory>

namespace xylem::broker {

void add_stream_routes(network::HttpServer& server,
                       AdminContext& context,
                       const RecordStreams::Limits& limits) {
  const auto streams = std::make_shared<RecordStreams>(context.client, limits);
  context.client.partitions.observe([open = std::weak_ptr(streams)](const Partition& moved) {
    if (const auto there = open.lock()) there->on_partition_moved(moved.id());
  });
  context.client.topics.observe(
      [open = std::weak_ptr(streams)](const TopicDefinition& topic, bool removed) {
        if (const auto there = open.lock()) there->on_topic_changed(topic, removed);
      });
  server.route("GET", "/api/v1/topics/{name}/stream",
               network::with_arguments({"partition", "from", "reset"},
                                       [streams](const network::HttpRequest& request,
                                                 const network::HttpReplyPtr& reply) {
                                         streams->open(request, reply);
                                       }));
}

}  // namespace xylem::broker
