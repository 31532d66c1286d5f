// The pipe's HTTP listener (PIPE_PORT): POST /pipe/v1/fetch and GET /pipe/v1/status, in front of a
// PipeServer.
#pragma once

#include "network/http/http_server.h"
#include "pipe/pipe_server.h"

#include <functional>
#include <string>

namespace xylem::broker {

// `status` is the JSON of GET /pipe/v1/status.
void add_pipe_routes(network::HttpServer& server,
                     pipe::PipeServer& pipe,
                     std::function<std::string()> status);

}  // namespace xylem::broker
