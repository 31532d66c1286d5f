#include "common/http/http_wire.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <sys/socket.h>

namespace xylem {
namespace {

bool is_ready(int socket, short wanted, int wait_ms) {
  pollfd asked{.fd = socket, .events = wanted, .revents = 0};
  int found = 0;
  do found = poll(&asked, 1, wait_ms);
  while (found < 0 && errno == EINTR);
  return found > 0;
}

}  // namespace

HttpWire::HttpWire(int socket, std::int64_t silence_ms, Buffer& ahead)
    : socket_(socket),
      silence_ms_(static_cast<int>(
          std::clamp<std::int64_t>(silence_ms, 0, std::numeric_limits<int>::max()))),
      ahead_(ahead) {
  ahead_.resize(kAheadBytes);
}

bool HttpWire::is_readable() const {
  return next_ < end_ || is_ready(socket_, POLLIN, silence_ms_);
}

bool HttpWire::is_writable() const { return is_ready(socket_, POLLOUT, silence_ms_); }

std::ptrdiff_t HttpWire::read(MutableBytes to) {
  if (next_ == end_) {
    const auto got = refill();
    if (got <= 0) return got;
    next_ = 0;
    end_ = static_cast<std::size_t>(got);
  }
  const auto count = std::min(to.size(), end_ - next_);
  std::ranges::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(next_),
                      static_cast<std::ptrdiff_t>(count), to.begin());
  next_ += count;
  return static_cast<std::ptrdiff_t>(count);
}

std::ptrdiff_t HttpWire::refill() {
  return wait_for(POLLIN,
                  [this] { return recv(socket_, ahead_.data(), ahead_.size(), MSG_DONTWAIT); });
}

std::ptrdiff_t HttpWire::write(Bytes from) {
  return wait_for(POLLOUT, [&] {
    return send(socket_, from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  });
}

std::ptrdiff_t HttpWire::wait_for(short what, const std::function<std::ptrdiff_t()>& call) const {
  for (;;) {
    const auto done = call();
    if (done >= 0) return done;
    if (errno == EINTR) continue;
    const bool would_wait = errno == EAGAIN || errno == EWOULDBLOCK;
    if (!would_wait || !is_ready(socket_, what, silence_ms_)) return -1;
  }
}

}  // namespace xylem
