// SHA-256 (FIPS 180-4), fed piece by piece.
#pragma once

#include "common/bytes.h"

#include <memory>
#include <string>

namespace xylem::storage {

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
