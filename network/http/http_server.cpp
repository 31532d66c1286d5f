#include "network/http/http_server.h"

#include "network/http/http_connection.h"
#include "network/transport/tcp_sockets.h"

#include <utility>

namespace xylem::network {

class HttpServer::Impl {
 public:
  Impl(Loop& loop, const Limits& limits)
      : shared_(loop, limits), sockets_(make_tcp_sockets(loop, limits.connections_max)) {}

  ~Impl() {
    const auto connections = std::exchange(shared_.connections, {});
    for (const auto& connection : connections) connection->detach();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void route(std::string_view method, std::string_view pattern, HttpHandler handler) {
    shared_.router.add(method, pattern, std::move(handler));
    routes.push_back({std::string(method), std::string(pattern)});
  }

  Result<std::uint16_t> listen(const Address& address) {
    return sockets_->listen(address, [this](std::shared_ptr<Stream> stream) {
      auto connection = std::make_shared<HttpConnection>(std::move(stream), shared_);
      shared_.connections.insert(connection);
      connection->start();
    });
  }

  std::vector<HttpRoute> routes;

 private:
  HttpShared shared_;
  std::unique_ptr<Sockets> sockets_;
};

HttpServer::HttpServer(Loop& loop, const Limits& limits)
    : impl_(std::make_unique<Impl>(loop, limits)) {}

HttpServer::~HttpServer() = default;

void HttpServer::route(std::string_view method, std::string_view pattern, HttpHandler handler) {
  impl_->route(method, pattern, std::move(handler));
}

std::vector<HttpRoute> HttpServer::routes() const { return impl_->routes; }

Result<std::uint16_t> HttpServer::listen(const Address& address) { return impl_->listen(address); }

}  // namespace xylem::network
