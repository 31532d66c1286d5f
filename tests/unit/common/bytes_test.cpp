#include "common/bytes.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace xylem {
namespace {

template <class T>
void check_round_trip() {
  for (const T value : {std::numeric_limits<T>::min(), T{0}, T{1}, std::numeric_limits<T>::max()}) {
    Buffer out;
    append_be(value, out);
    CHECK(out.size() == sizeof(T));
    CHECK(load_be<T>(out) == value);
  }
}

TEST_CASE("bytes: integers are big-endian, of every width and sign") {
  Buffer out;
  append_be(std::uint32_t{0x01020304}, out);
  append_be(std::int16_t{-2}, out);
  CHECK(text_of(out) == "\x01\x02\x03\x04\xff\xfe");
  store_be(std::uint16_t{0xa0b0}, MutableBytes(out).subspan(1));
  CHECK(text_of(out) == "\x01\xa0\xb0\x04\xff\xfe");
  check_round_trip<std::int8_t>();
  check_round_trip<std::uint8_t>();
  check_round_trip<std::int16_t>();
  check_round_trip<std::uint16_t>();
  check_round_trip<std::int32_t>();
  check_round_trip<std::uint32_t>();
  check_round_trip<std::int64_t>();
  check_round_trip<std::uint64_t>();
}

TEST_CASE("bytes: a slice keeps what it looks at, and copies a pointer") {
  Slice part;
  {
    const auto whole = Slice::copy(bytes_of("hello"));
    part = whole.sub(1, 3);
    CHECK(part.bytes.data() == whole.bytes.data() + 1);
    CHECK(part.owner.use_count() == 2);
  }
  CHECK(text_of(part.bytes) == "ell");
  CHECK(part.owner.use_count() == 1);
  CHECK(part.sub(3, 0).bytes.empty());
}

TEST_CASE("bytes: texts append as they are") {
  Buffer out;
  append(bytes_of("ab"), out);
  append({}, out);
  append(bytes_of("c"), out);
  CHECK(text_of(Slice::own(std::move(out)).bytes) == "abc");
}

}  // namespace
}  // namespace xylem
