#include "broker/upstream/pipe_routes.h"

#include <utility>

namespace xylem::broker {
namespace {

constexpr auto kContentType = "application/vnd.xylem.pipe";

void fetch(pipe::PipeServer& pipe,
           const network::HttpRequest& request,
           const network::HttpReplyPtr& reply) {
  const auto token = pipe.fetch(request.body, [reply](Result<std::vector<Slice>> answer) {
    if (!answer) return reply->send_error(answer.error());
    reply->send(
        {.status = 200, .content_type = kContentType, .headers = {}, .body = std::move(*answer)});
  });
  if (token != 0) reply->on_gone([&pipe, token] { pipe.abandon(token); });
}

}  // namespace

void add_pipe_routes(network::HttpServer& server,
                     pipe::PipeServer& pipe,
                     std::function<std::string()> status) {
  server.route("POST", "/pipe/v1/fetch",
               [&pipe](const network::HttpRequest& request, const network::HttpReplyPtr& reply) {
                 fetch(pipe, request, reply);
               });
  server.route("GET", "/pipe/v1/status",
               [status = std::move(status)](const network::HttpRequest&,
                                            const network::HttpReplyPtr& reply) {
                 reply->send(network::HttpResponse::json(200, status()));
               });
}

}  // namespace xylem::broker
