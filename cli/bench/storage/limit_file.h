// The limit that storage is compared with: a file, and the bare system calls any storage must make.
//
// No log, no index, no offsets, no recovery; no hand-over to another thread either.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <span>
#include <string>

namespace xylem::cli {

// The error of the system call that was just made.
[[nodiscard]] std::unexpected<Error> system_failure(const std::string& doing);

class LimitFile {
 public:
  enum class Blocks : std::uint8_t { kAllocated, kZeroed };  // kZeroed: written and synced

  // An empty file of `bytes`, whose blocks are there already.
  static Result<LimitFile> create(const std::string& path, std::int64_t bytes, Blocks blocks);

  // One that is there, for reading.
  static Result<LimitFile> open(const std::string& path);

  LimitFile(LimitFile&& other) noexcept;
  LimitFile& operator=(LimitFile&&) = delete;
  LimitFile(const LimitFile&) = delete;
  LimitFile& operator=(const LimitFile&) = delete;
  ~LimitFile();

  // One pwritev for as many as IOV_MAX pieces.
  Status write(std::int64_t position, std::span<const Bytes> pieces);
  Status sync();  // fdatasync
  Result<std::size_t> read(std::int64_t position, MutableBytes out) const;

  [[nodiscard]] int descriptor() const { return fd_; }

  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  LimitFile(int fd, std::int64_t bytes) : fd_(fd), bytes_(bytes) {}

  int fd_;
  std::int64_t bytes_;
};

}  // namespace xylem::cli
