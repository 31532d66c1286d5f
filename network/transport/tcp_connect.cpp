#include "network/transport/tcp_connect.h"

#include <cstring>
#include <utility>

namespace xylem::network {
namespace {

template <class SocketAddress>
sockaddr_storage stored(const SocketAddress& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

// A libuv request that outlives whoever made it.
template <class Request>
struct Pending {
  Request request{};
  std::weak_ptr<TcpConnect> owner;
};

template <class Request>
std::unique_ptr<Pending<Request>> taken(Request* done) {
  return std::unique_ptr<Pending<Request>>(static_cast<Pending<Request>*>(done->data));
}

bool has_met_itself(const uv_tcp_t& socket) {
  sockaddr_storage here{};
  sockaddr_storage there{};
  int here_bytes = sizeof here;
  int there_bytes = sizeof there;
  return uv_tcp_getsockname(&socket, reinterpret_cast<sockaddr*>(&here), &here_bytes) == 0 &&
         uv_tcp_getpeername(&socket, reinterpret_cast<sockaddr*>(&there), &there_bytes) == 0 &&
         here_bytes == there_bytes &&
         std::memcmp(&here, &there, static_cast<std::size_t>(here_bytes)) == 0;
}

}  // namespace

std::vector<sockaddr_storage> numeric_addresses(const Address& address) {
  sockaddr_in v4{};
  if (uv_ip4_addr(address.host.c_str(), address.port, &v4) == 0) return {stored(v4)};
  sockaddr_in6 v6{};
  if (uv_ip6_addr(address.host.c_str(), address.port, &v6) == 0) return {stored(v6)};
  return {};
}

std::vector<sockaddr_storage> addresses_of(const addrinfo* found, std::uint16_t port) {
  std::vector<sockaddr_storage> all;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ai_addr, one->ai_addrlen);
    if (storage.ss_family == AF_INET)
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    else if (storage.ss_family == AF_INET6)
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    else
      continue;
    all.push_back(storage);
  }
  return all;
}

TcpConnect::TcpConnect(Loop& loop, Address address, Done done)
    : loop_(loop), address_(std::move(address)), done_(std::move(done)) {}

void TcpConnect::start(std::uint64_t timeout_ms) {
  self_ = shared_from_this();
  deadline_ = make_uv_handle<uv_timer_t>();
  uv_timer_init(loop_.raw(), deadline_.get());
  deadline_->data = this;
  uv_timer_start(
      deadline_.get(),
      [](uv_timer_t* timer) {
        auto* self = static_cast<TcpConnect*>(timer->data);
        self->settle({Errc::kTimeout, "connect to " + self->address_.text() + ": no answer"});
      },
      timeout_ms, 0);
  candidates_ = numeric_addresses(address_);
  if (candidates_.empty())
    look_up();
  else
    try_next();
}

void TcpConnect::cancel() {
  is_connected_ = false;
  settle({Errc::kCancelled, "connect to " + address_.text() + " was given up"});
}

void TcpConnect::look_up() {
  auto pending = std::make_unique<Pending<uv_getaddrinfo_t>>();
  pending->owner = weak_from_this();
  pending->request.data = pending.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status = uv_getaddrinfo(
      loop_.raw(), &pending->request,
      [](uv_getaddrinfo_t* done, int result, addrinfo* found) {
        const auto owned = taken(done);
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &uv_freeaddrinfo);
        const auto self = owned->owner.lock();
        if (!self || self->is_settled_) return;
        if (result < 0)
          self->error_ = {Errc::kUnavailable,
                          "look up " + self->address_.host + ": " + uv_strerror(result)};
        self->candidates_ = addresses_of(found, self->address_.port);
        self->try_next();
      },
      address_.host.c_str(), nullptr, &hints);
  if (status == 0)
    pending.release();  // NOLINT(bugprone-unused-return-value): its callback owns it now
  else
    settle({Errc::kUnavailable, "look up " + address_.host + ": " + uv_strerror(status)});
}

void TcpConnect::try_next() {
  if (tried_ == candidates_.size()) {
    settle(error_);
    return;
  }
  const auto& address = candidates_[tried_++];
  socket_ = make_uv_handle<uv_tcp_t>();
  uv_tcp_init(loop_.raw(), socket_.get());
  auto pending = std::make_unique<Pending<uv_connect_t>>();
  pending->owner = weak_from_this();
  pending->request.data = pending.get();
  const int status =
      uv_tcp_connect(&pending->request, socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                     [](uv_connect_t* done, int result) {
                       const auto owned = taken(done);
                       if (result == UV_ECANCELED) return;
                       if (const auto self = owned->owner.lock()) self->connected(result);
                     });
  if (status == 0)
    pending.release();  // NOLINT(bugprone-unused-return-value): its callback owns it now
  else
    connected(status);
}

void TcpConnect::connected(int status) {
  if (is_settled_) return;
  if (status < 0) {
    error_ = {Errc::kUnavailable, "connect to " + address_.text() + ": " + uv_strerror(status)};
    try_next();
    return;
  }
  // Where a port of this host is closed, and is one of those given out to connections, TCP connects
  // it to itself.
  if (has_met_itself(*socket_)) {
    socket_.reset();
    return connected(UV_ECONNREFUSED);
  }
  is_connected_ = true;
  settle(error_);
}

void TcpConnect::settle(Error why) {
  error_ = std::move(why);
  if (!is_connected_) socket_.reset();
  if (is_settled_) return;
  is_settled_ = true;
  auto* deadline = deadline_.release();
  uv_close(reinterpret_cast<uv_handle_t*>(deadline), [](uv_handle_t* closed) {
    const auto self = std::move(static_cast<TcpConnect*>(closed->data)->self_);
    std::default_delete<uv_timer_t>()(reinterpret_cast<uv_timer_t*>(closed));
    self->answer();
  });
}

void TcpConnect::answer() {
  if (is_connected_)
    done_(std::move(socket_));
  else
    done_(std::unexpected(error_));
}

}  // namespace xylem::network
