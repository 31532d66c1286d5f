#include "cli/bench/load/load_socket.h"

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::size_t kRoomBytes = std::size_t{256} * 1024;      // for one recv, at least
constexpr std::size_t kReceiveBytes = std::size_t{1024} * 1024;  // at a time, about
constexpr int kSendMs = 10'000;

std::unexpected<Error> lost(const std::string& doing) {
  return fail(Errc::kUnavailable, doing + ": " + system_text(errno));
}

Status wait_for(int fd, short events, int milliseconds) {  // NOLINT(google-runtime-int): poll's
  pollfd waits{.fd = fd, .events = events, .revents = 0};
  const int ready = poll(&waits, 1, milliseconds);
  if (ready < 0 && errno != EINTR) return lost("poll");
  if (ready == 0) return fail(Errc::kTimeout, "no answer");
  return {};
}

}  // namespace

Result<LoadSocket> LoadSocket::connect(const network::Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0)
    return fail(Errc::kUnavailable, "look up " + address.host + ": " + gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  LoadSocket made(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (made.fd_ < 0) return lost("socket");
  if (::connect(made.fd_, found->ai_addr, found->ai_addrlen) != 0)
    return lost("connect to " + address.text());
  const int on = 1;
  setsockopt(made.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return made;
}

LoadSocket::LoadSocket(int fd) : fd_(fd) {}

LoadSocket::LoadSocket(LoadSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      input_(std::move(other.input_)),
      room_(other.room_),
      begin_(other.begin_),
      end_(other.end_) {}

LoadSocket& LoadSocket::operator=(LoadSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(input_, other.input_);
  std::swap(room_, other.room_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  return *this;
}

LoadSocket::~LoadSocket() {
  if (fd_ >= 0) close(fd_);
}

Status LoadSocket::send_all(Bytes bytes) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const auto sent = send_some({&piece, 1});
    if (!sent) return std::unexpected(sent.error());
    bytes = bytes.subspan(*sent);
    if (bytes.empty()) break;
    if (auto waited = wait_for(fd_, POLLOUT, kSendMs); !waited) return waited;
  }
  return {};
}

Status LoadSocket::wait(int milliseconds) {
  if (auto waited = wait_for(fd_, POLLIN, milliseconds); !waited) return waited;
  return receive();
}

Result<std::size_t> LoadSocket::send_some(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const auto count = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return lost("send");
}

void LoadSocket::make_room() {
  const auto left = end_ - begin_;
  if (room_ - left < kRoomBytes) {
    room_ = 2 * left + kRoomBytes;
    auto larger = std::make_unique_for_overwrite<std::byte[]>(room_);  // NOLINT
    if (left > 0) std::memcpy(larger.get(), input_.get() + begin_, left);
    input_ = std::move(larger);
  } else if (left > 0) {
    std::memmove(input_.get(), input_.get() + begin_, left);
  }
  begin_ = 0;
  end_ = left;
}

Status LoadSocket::receive() {
  for (std::size_t received = 0; received < kReceiveBytes;) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (room_ - end_ < kRoomBytes) make_room();
    const auto room = room_ - end_;
    const auto count = recv(fd_, input_.get() + end_, room, MSG_DONTWAIT);
    if (count == 0) return fail(Errc::kUnavailable, "the broker closed the connection");
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0) return lost("receive");
    end_ += static_cast<std::size_t>(count);
    received += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < room) return {};
  }
  return {};
}

}  // namespace xylem::cli
