// A connected socket while one HTTP exchange uses it: reads ahead, so that a long body costs one
// system call for each 64 KiB, and waits only where nothing is there.
//
// Threads: one at a time. Errors: as read(2) tells them; a wait that ends in silence is one.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace xylem {

class HttpWire {
 public:
  static constexpr std::size_t kAheadBytes = 64ULL * 1024;

  // `ahead` is the room to read into; what is in it when the exchange ends is dropped.
  HttpWire(int socket, std::int64_t silence_ms, Buffer& ahead);

  // How many bytes: 0 at the end, negative on an error or after `silence_ms`.
  std::ptrdiff_t read(MutableBytes to);
  std::ptrdiff_t write(Bytes from);

  [[nodiscard]] bool is_readable() const;
  [[nodiscard]] bool is_writable() const;

  [[nodiscard]] int socket() const { return socket_; }

 private:
  std::ptrdiff_t refill();
  [[nodiscard]] std::ptrdiff_t wait_for(short what,
                                        const std::function<std::ptrdiff_t()>& call) const;

  int socket_;
  int silence_ms_;
  Buffer& ahead_;
  std::size_t next_ = 0;  // of ahead_
  std::size_t end_ = 0;
};

}  // namespace xylem
