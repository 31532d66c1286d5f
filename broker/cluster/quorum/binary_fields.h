// Numbers and byte strings one after the other, big-endian, as the quorum writes them. Only for the
// .cpp files that decode.
#pragma once

#include "common/bytes.h"

#include <cstdint>

namespace xylem::broker {

// A u32 length, and the bytes.
inline void append_field(Bytes bytes, Buffer& out) {
  append_be(static_cast<std::uint32_t>(bytes.size()), out);
  append(bytes, out);
}

class BinaryFields {
 public:
  explicit BinaryFields(Bytes left) : left_(left) {}

  [[nodiscard]] bool is_empty() const { return left_.empty(); }

  [[nodiscard]] std::size_t left() const { return left_.size(); }

  // False, and nothing is taken: they end too early.
  template <class Number>
  bool take(Number& number) {
    if (left_.size() < sizeof(Number)) return false;
    number = load_be<Number>(left_);
    left_ = left_.subspan(sizeof(Number));
    return true;
  }

  // A view into what was given.
  bool take(Bytes& bytes) {
    auto rest = *this;
    std::uint32_t count = 0;
    if (!rest.take(count) || count > rest.left_.size()) return false;
    bytes = rest.left_.first(count);
    left_ = rest.left_.subspan(count);
    return true;
  }

  bool take(Buffer& buffer) {
    Bytes bytes;
    if (!take(bytes)) return false;
    buffer.assign(bytes.begin(), bytes.end());
    return true;
  }

 private:
  Bytes left_;
};

}  // namespace xylem::broker
