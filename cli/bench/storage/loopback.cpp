#include "cli/bench/storage/loopback.h"

#include "cli/bench/storage/limit_file.h"

#include <algorithm>
#include <array>
#include <climits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::size_t kTakenMax = 1024UL * 1024;  // bytes

void drop_all(int fd) {
  while (recv(fd, nullptr, kTakenMax, MSG_TRUNC) > 0) {  // tcp(7): the data is not copied
  }
  close(fd);
}

}  // namespace

Result<Loopback> Loopback::connect() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return system_failure("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  const bool is_connected = bind(listener, raw, size) == 0 && listen(listener, 1) == 0 &&
                            getsockname(listener, raw, &size) == 0 &&
                            ::connect(sender, raw, size) == 0 &&
                            setsockopt(sender, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
  const int receiver = is_connected ? accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1;
  auto failure = system_failure("loopback");
  close(listener);
  if (receiver >= 0) return Loopback(sender, receiver);
  if (sender >= 0) close(sender);
  return failure;
}

Loopback::Loopback(int fd, int other_end)
    : fd_(fd), receiver_([other_end] { drop_all(other_end); }) {}

Loopback::Loopback(Loopback&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), receiver_(std::move(other.receiver_)) {}

Loopback::~Loopback() {
  if (fd_ < 0) return;
  shutdown(fd_, SHUT_WR);
  receiver_.join();
  close(fd_);
}

Status Loopback::send(std::span<const Slice> slices) {
  std::array<iovec, IOV_MAX> vectors;  // NOLINT(*-member-init): filled below
  std::size_t skip = 0;                // bytes of the first slice that are sent
  while (!slices.empty()) {
    const auto count = std::min(slices.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto bytes = slices[i].bytes.subspan(i == 0 ? skip : 0);
      vectors[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    }
    const auto sent = writev(fd_, vectors.data(), static_cast<int>(count));
    if (sent < 0) return system_failure("writev");
    auto left = static_cast<std::size_t>(sent) + skip;
    while (!slices.empty() && left >= slices.front().bytes.size()) {
      left -= slices.front().bytes.size();
      slices = slices.subspan(1);
    }
    skip = left;
  }
  return {};
}

Status Loopback::send_file(int file, std::int64_t position, std::int64_t bytes) {
  off_t at = position;
  const off_t end = position + bytes;
  while (at < end) {
    const auto sent = sendfile(fd_, file, &at, static_cast<std::size_t>(end - at));
    if (sent < 0) return system_failure("sendfile");
    if (sent == 0) return fail(Errc::kIo, "sendfile: the file is too short");
  }
  return {};
}

}  // namespace xylem::cli
