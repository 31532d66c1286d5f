// SHA-256 (FIPS 180-4), of a whole or fed piece by piece.
#pragma once

#include "common/bytes.h"

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace xylem::storage {

inline constexpr std::size_t kSha256Bytes = 32;

[[nodiscard]] std::array<std::byte, kSha256Bytes> sha256_of(Bytes bytes);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(Bytes bytes);

  // 64 hexadecimal digits; the object is used up.
  std::string finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::storage
