// A TCP connection over loopback whose other end takes everything and drops it in the kernel.
//
// Threads: the one that made it; the other end has its own.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <span>
#include <thread>

namespace xylem::cli {

class Loopback {
 public:
  static Result<Loopback> connect();

  Loopback(Loopback&& other) noexcept;
  Loopback& operator=(Loopback&&) = delete;
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  ~Loopback();

  // Both block until the kernel has taken all.
  Status send(std::span<const Slice> slices);                             // writev
  Status send_file(int file, std::int64_t position, std::int64_t bytes);  // sendfile

 private:
  Loopback(int fd, int other_end);

  int fd_;
  std::thread receiver_;
};

}  // namespace xylem::cli
