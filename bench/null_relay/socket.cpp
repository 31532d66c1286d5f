#include "bench/null_relay/socket.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace xylem::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

sockaddr_in local(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

void die(const char* doing) {
  std::perror(doing);
  std::_Exit(EXIT_FAILURE);
}

int listen_locally() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto address = local(0);
  if (listener < 0 || bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) ||
      listen(listener, SOMAXCONN))
    die("listen");
  return listener;
}

std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size)) die("getsockname");
  return ntohs(address.sin_port);
}

Socket Socket::accept(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) die("accept");
  return Socket(fd);
}

Socket Socket::connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = local(port);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address))
    die("connect");
  return Socket(fd);
}

Socket::Socket(int fd) : fd_(fd) {
  const int on = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) die("TCP_NODELAY");
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      input_(std::move(other.input_)),
      taken_(other.taken_),
      output_(std::move(other.output_)),
      sent_(other.sent_) {}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

bool Socket::receive() {
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  static thread_local std::array<std::byte, kReadBytes> piece;
  while (true) {
    const auto count = recv(fd_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    append(Bytes(piece).first(static_cast<std::size_t>(count)), input_);
    if (static_cast<std::size_t>(count) < piece.size()) return true;
  }
}

bool Socket::flush() {
  while (sent_ < output_.size()) {
    const auto count =
        send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno != EAGAIN;  // a gone peer is noticed by receive()
    sent_ += static_cast<std::size_t>(count);
  }
  output_.clear();
  sent_ = 0;
  return true;
}

}  // namespace xylem::bench
