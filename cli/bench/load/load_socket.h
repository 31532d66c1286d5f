// Plain TCP for a load generator: no loop, no frames, as few copies and calls as there can be.
//
// A handshake uses the blocking calls, the load the others. Errors: kUnavailable, kTimeout.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>

namespace xylem::cli {

class LoadSocket {
 public:
  static Result<LoadSocket> connect(const network::Address& address);

  LoadSocket(LoadSocket&& other) noexcept;
  LoadSocket& operator=(LoadSocket&& other) noexcept;
  LoadSocket(const LoadSocket&) = delete;
  LoadSocket& operator=(const LoadSocket&) = delete;
  ~LoadSocket();

  [[nodiscard]] int fd() const { return fd_; }

  Status send_all(Bytes bytes);            // waits
  Status wait(int milliseconds = 10'000);  // until more has arrived; kTimeout: it has not

  // As much as the kernel takes now, in bytes.
  Result<std::size_t> send_some(std::span<const iovec> pieces);

  // What has arrived by now.
  Status receive();

  [[nodiscard]] Bytes input() const { return {input_.get() + begin_, end_ - begin_}; }

  void take(std::size_t bytes) { begin_ += bytes; }

 private:
  explicit LoadSocket(int fd);
  void make_room();

  int fd_;
  std::unique_ptr<std::byte[]> input_;  // NOLINT(*-avoid-c-arrays): not to be zeroed
  std::size_t room_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace xylem::cli
