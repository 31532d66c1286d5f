#include "network/transport/tcp_sockets.h"

#include "network/transport/tcp_connect.h"
#include "network/transport/tcp_stream.h"

#include <utility>

namespace xylem::network {
namespace {

constexpr int kBacklog = 511;

Result<std::vector<sockaddr_storage>> resolve_now(Loop& loop, const Address& address) {
  auto found = numeric_addresses(address);
  if (!found.empty()) return found;
  uv_getaddrinfo_t request{};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const int status =
      uv_getaddrinfo(loop.raw(), &request, nullptr, address.host.c_str(), nullptr, &hints);
  if (status < 0) return fail(Errc::kIo, "look up " + address.host + ": " + uv_strerror(status));
  found = addresses_of(request.addrinfo, address.port);
  uv_freeaddrinfo(request.addrinfo);
  if (found.empty()) return fail(Errc::kIo, "no address for " + address.host);
  return found;
}

std::uint16_t port_of(const uv_tcp_t& socket) {
  sockaddr_storage storage{};
  int length = sizeof storage;
  uv_tcp_getsockname(&socket, reinterpret_cast<sockaddr*>(&storage), &length);
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

class TcpSockets final : public Sockets {
 public:
  TcpSockets(Loop& loop, std::size_t connections_max)
      : shared_(loop), connections_max_(connections_max) {}

  ~TcpSockets() override {
    const auto connects = std::exchange(connects_, {});
    for (const auto& connect : connects) connect->cancel();
    const auto streams = shared_.streams;
    for (const auto& stream : streams) stream->abort({Errc::kCancelled, "closing"});
  }

  TcpSockets(const TcpSockets&) = delete;
  TcpSockets& operator=(const TcpSockets&) = delete;

  Result<std::uint16_t> listen(const Address& address, Accept accept) override {
    shared_.loop.check_here();
    auto candidates = resolve_now(shared_.loop, address);
    if (!candidates) return pass(candidates);
    auto listener = make_uv_handle<uv_tcp_t>();
    uv_tcp_init(shared_.loop.raw(), listener.get());
    listener->data = this;
    int status =
        uv_tcp_bind(listener.get(), reinterpret_cast<const sockaddr*>(&candidates->front()), 0);
    if (status == 0)
      status = uv_listen(reinterpret_cast<uv_stream_t*>(listener.get()), kBacklog,
                         [](uv_stream_t* handle, int result) {
                           if (handle->data != nullptr && result == 0)
                             static_cast<TcpSockets*>(handle->data)->accept(handle);
                         });
    if (status < 0)
      return fail(Errc::kIo, "listen on " + address.text() + ": " + uv_strerror(status));
    accept_ = std::move(accept);
    const auto port = port_of(*listener);
    listeners_.push_back(std::move(listener));
    return port;
  }

  void connect(const Address& address, std::uint64_t timeout_ms, Connected connected) override {
    shared_.loop.check_here();
    auto attempt = std::make_shared<std::shared_ptr<TcpConnect>>();
    *attempt = std::make_shared<TcpConnect>(
        shared_.loop, address,
        [this, attempt, connected = std::move(connected)](Result<UvHandle<uv_tcp_t>> socket) {
          const auto done = std::exchange(*attempt, nullptr);
          if (!socket && socket.error().code() == Errc::kCancelled) {  // `this` is gone
            connected(pass(socket));
            return;
          }
          connects_.erase(done);
          if (socket)
            connected(made(std::move(*socket)));
          else
            connected(pass(socket));
        });
    connects_.insert(*attempt);
    (*attempt)->start(timeout_ms);
  }

 private:
  void accept(uv_stream_t* listener) {
    auto socket = make_uv_handle<uv_tcp_t>();
    uv_tcp_init(shared_.loop.raw(), socket.get());
    if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(socket.get())) != 0) return;
    if (shared_.streams.size() >= connections_max_) return;
    accept_(made(std::move(socket)));
  }

  std::shared_ptr<Stream> made(UvHandle<uv_tcp_t> socket) {
    auto stream = std::make_shared<TcpStream>(std::move(socket), shared_);
    shared_.streams.insert(stream);
    return stream;
  }

  TcpShared shared_;
  std::size_t connections_max_;
  Accept accept_;
  std::vector<UvHandle<uv_tcp_t>> listeners_;
  std::unordered_set<std::shared_ptr<TcpConnect>> connects_;
};

}  // namespace

std::unique_ptr<Sockets> make_tcp_sockets(Loop& loop, std::size_t connections_max) {
  return std::make_unique<TcpSockets>(loop, connections_max);
}

std::unique_ptr<NetworkServer> make_tcp_server(Loop& loop, const TransportLimits& limits) {
  return make_frame_server(make_tcp_sockets(loop, limits.connections_max), limits);
}

std::unique_ptr<NetworkClient> make_tcp_client(Loop& loop, const TransportLimits& limits) {
  return make_frame_client(make_tcp_sockets(loop, limits.connections_max), limits);
}

}  // namespace xylem::network
