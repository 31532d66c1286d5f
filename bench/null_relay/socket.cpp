#include "bench/null_relay/socket.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace xylem::bench {
namespace {

constexpr std::size_t kRoomBytes = std::size_t{256} * 1024;  // for one recv, at least

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

int listen_locally(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto address = local(port);
  const int on = 1;
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
      bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) ||
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
      input_bytes_(other.input_bytes_),
      input_begin_(other.input_begin_),
      input_end_(other.input_end_),
      output_(std::move(other.output_)),
      sent_(other.sent_) {}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

// Room for kRoomBytes behind what has not been taken.
void Socket::make_room() {
  const auto left = input_end_ - input_begin_;
  if (input_bytes_ - left < kRoomBytes) {
    input_bytes_ = 2 * left + kRoomBytes;
    auto larger = std::make_unique_for_overwrite<std::byte[]>(input_bytes_);  // NOLINT
    if (left > 0) std::memcpy(larger.get(), input_.get() + input_begin_, left);
    input_ = std::move(larger);
  } else if (input_begin_ > 0) {
    std::memmove(input_.get(), input_.get() + input_begin_, left);
  }
  input_begin_ = 0;
  input_end_ = left;
}

bool Socket::receive() {
  for (std::size_t received = 0; received < kTurnBytes;) {
    if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
    if (input_bytes_ - input_end_ < kRoomBytes) make_room();
    const auto room = input_bytes_ - input_end_;
    const auto count = recv(fd_, input_.get() + input_end_, room, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    input_end_ += static_cast<std::size_t>(count);
    received += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < room) return true;
  }
  return true;
}

bool Socket::flush() {
  send_after_queue({});
  return output_.empty();
}

std::size_t Socket::send_after_queue(Bytes body) {
  while (true) {
    std::array<iovec, 2> pieces{{{output_.data() + sent_, output_.size() - sent_},
                                 {const_cast<std::byte*>(body.data()), body.size()}}};
    const auto queued = pieces[0].iov_len;
    if (queued + body.size() == 0) return 0;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const auto count = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return 0;
    if (count < 0) {  // a gone peer is noticed by receive()
      output_.clear();
      sent_ = 0;
      return body.size();
    }
    const auto sent = static_cast<std::size_t>(count);
    if (sent < queued) {
      sent_ += sent;
      return 0;
    }
    output_.clear();
    sent_ = 0;
    return sent - queued;
  }
}

std::size_t Socket::send_after_queue(int file, std::size_t position, std::size_t bytes) {
  if (!flush()) return 0;
  auto from = static_cast<off_t>(position);
  while (true) {
    const auto count = sendfile(fd_, file, &from, bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? 0 : bytes;
    return static_cast<std::size_t>(count);
  }
}

}  // namespace xylem::bench
