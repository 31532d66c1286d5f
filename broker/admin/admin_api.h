// The administration API (HTTP_PORT): its routes, and what they work with, which belongs to the
// broker.
#pragma once

#include "broker/admin/record_streams.h"
#include "broker/delivery/client_context.h"
#include "broker/topology/node_report.h"
#include "common/metrics.h"
#include "network/http/http_server.h"
#include "pipe/pipe_server.h"

#include <functional>
#include <string>
#include <vector>

namespace xylem::broker {

class ForwardedRecords;

struct NodeStatus {
  NodeReport report;
  std::string role;
  std::string registry;  // "reached", "away", "none"
  std::vector<std::string> parents;
  std::vector<pipe::PipeServer::Child> children;
  std::size_t connections = 0;
};

struct AdminContext {
  ClientContext& client;
  std::function<NodeStatus()> status;
  std::function<Status()> ready;          // why not, when not
  ForwardedRecords* forwarded = nullptr;  // null: what others lead is refused
};

// Each adds its routes. Handlers refer to `context`, which must outlive the server.
void add_topic_routes(network::HttpServer& server, AdminContext& context);
void add_message_routes(network::HttpServer& server, AdminContext& context);
void add_record_routes(network::HttpServer& server, AdminContext& context);
void add_stream_routes(network::HttpServer& server,
                       AdminContext& context,
                       const RecordStreams::Limits& limits = {});
void add_group_routes(network::HttpServer& server, AdminContext& context);
void add_refresh_routes(network::HttpServer& server, Refreshes& refreshes);
void add_node_routes(network::HttpServer& server, AdminContext& context);
void add_delayed_routes(network::HttpServer& server, AdminContext& context);
void add_document_routes(network::HttpServer& server);

}  // namespace xylem::broker
