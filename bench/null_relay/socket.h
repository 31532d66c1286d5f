// Non-blocking TCP with its input and output in two buffers: no more than a null program needs.
//
// What cannot go on ends the program with a message: there is nothing to rescue.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace xylem::bench {

[[noreturn]] void die(const char* doing);

[[nodiscard]] int listen_locally(std::uint16_t port = 0);  // of 127.0.0.1; 0: a free one
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

  // What has arrived, about kTurnBytes of it at most; false: the peer is gone.
  bool receive();

  [[nodiscard]] MutableBytes input() const {
    return {input_.get() + input_begin_, input_end_ - input_begin_};
  }

  void take(std::size_t bytes) { input_begin_ += bytes; }

  void queue(Bytes bytes) { append(bytes, output_); }

  // As much as the kernel takes; true: nothing is left.
  bool flush();

  // What is queued, then as much of `body` as the kernel takes: that is the answer.
  std::size_t send_after_queue(Bytes body);

  // The same with a range of a file.
  std::size_t send_after_queue(int file, std::size_t position, std::size_t bytes);

 private:
  static constexpr std::size_t kTurnBytes = std::size_t{1024} * 1024;

  explicit Socket(int fd);
  void make_room();

  int fd_;
  std::unique_ptr<std::byte[]> input_;  // NOLINT(*-avoid-c-arrays): not to be zeroed
  std::size_t input_bytes_ = 0;         // there is room for
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  Buffer output_;
  std::size_t sent_ = 0;  // of output_
};

}  // namespace xylem::bench
