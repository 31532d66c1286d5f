// Non-blocking TCP with its input and output in two buffers: no more than a null program needs.
//
// What cannot go on ends the program with a message: there is nothing to rescue.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>

namespace xylem::bench {

[[noreturn]] void die(const char* doing);

[[nodiscard]] int listen_locally();  // on a free port of 127.0.0.1
[[nodiscard]] std::uint16_t port_of(int listener);

class Socket {
 public:
  static Socket accept(int listener);
  static Socket connect(std::uint16_t port);

  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  [[nodiscard]] int fd() const { return fd_; }

  // Everything that has arrived; false: the peer is gone.
  bool receive();

  [[nodiscard]] Bytes input() const { return Bytes(input_).subspan(taken_); }

  void take(std::size_t bytes) { taken_ += bytes; }

  void queue(Bytes bytes) { append(bytes, output_); }

  // As much as the kernel takes; true: nothing is left.
  bool flush();

 private:
  explicit Socket(int fd);

  int fd_;
  Buffer input_;
  std::size_t taken_ = 0;  // of input_
  Buffer output_;
  std::size_t sent_ = 0;  // of output_
};

}  // namespace xylem::bench
