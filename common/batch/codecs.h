// The codecs behind compression.h, each in the one file that knows its library.
//
// Unpacking stops with kCorrupt as soon as there are more than `limit` bytes.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::codecs {

Result<Buffer> pack_gzip(Bytes plain);
Result<Buffer> unpack_gzip(Bytes packed, std::size_t limit);

Result<Buffer> pack_snappy(Bytes plain);
Result<Buffer> unpack_snappy(Bytes packed, std::size_t limit);

Result<Buffer> pack_lz4(Bytes plain);
Result<Buffer> unpack_lz4(Bytes packed, std::size_t limit);

Result<Buffer> pack_zstd(Bytes plain);
Result<Buffer> unpack_zstd(Bytes packed, std::size_t limit);

// Output of unknown size: doubles as it fills, to one byte more than `limit`, which tells a stream
// that ends there from one that goes on.
class GrowingOutput {
 public:
  GrowingOutput(std::size_t guess, std::size_t limit)
      : limit_(limit), buffer_(std::clamp<std::size_t>(guess, 1, limit + 1)) {}

  // Where the next bytes go; never empty while not over_limit().
  [[nodiscard]] MutableBytes room() {
    if (used_ == buffer_.size()) buffer_.resize(std::min(2 * buffer_.size(), limit_ + 1));
    return MutableBytes(buffer_).subspan(used_);
  }

  void filled(std::size_t bytes) { used_ += bytes; }

  [[nodiscard]] bool over_limit() const { return used_ > limit_; }

  [[nodiscard]] Buffer take() && {
    buffer_.resize(used_);
    return std::move(buffer_);
  }

 private:
  std::size_t limit_;
  Buffer buffer_;
  std::size_t used_ = 0;
};

}  // namespace xylem::codecs
