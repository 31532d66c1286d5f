#include "common/batch/varint.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string_view>

namespace xylem {
namespace {

constexpr auto kInt32Min = std::numeric_limits<std::int32_t>::min();
constexpr auto kInt32Max = std::numeric_limits<std::int32_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();

Buffer put(std::int64_t value) {
  Buffer out(varint_bytes(value));
  CHECK(put_varint(value, out.data()) == out.data() + out.size());
  return out;
}

bool refuses_varint(std::string_view text) {
  const auto all = bytes_of(text);
  auto left = all;
  const bool refused = !take_varint(left).has_value();
  if (refused) CHECK(left.size() == all.size());
  return refused;
}

bool refuses_varlong(std::string_view text) {
  auto left = bytes_of(text);
  return !take_varlong(left).has_value();
}

TEST_CASE("varint: the published bytes") {  // Protocol Buffers, "Signed Integers"
  CHECK(text_of(put(0)) == std::string_view("\0", 1));
  CHECK(text_of(put(-1)) == "\x01");
  CHECK(text_of(put(1)) == "\x02");
  CHECK(text_of(put(-64)) == "\x7f");
  CHECK(text_of(put(64)) == "\x80\x01");
  CHECK(text_of(put(kInt32Max)) == "\xfe\xff\xff\xff\x0f");
  CHECK(text_of(put(kInt32Min)) == "\xff\xff\xff\xff\x0f");
}

TEST_CASE("varint: what was put is taken, up to the last bit, and no byte more") {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{63}, std::int64_t{-8'192}, std::int64_t{kInt32Max},
        std::int64_t{kInt32Min}, kInt64Max, kInt64Min}) {
    CAPTURE(value);
    auto bytes = put(value);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      auto cut = Bytes(bytes).first(size);
      CHECK_FALSE(take_varlong(cut).has_value());
    }
    bytes.push_back(std::byte{0x55});
    Bytes left(bytes);
    CHECK(take_varlong(left) == value);
    CHECK(left.size() == 1);
    left = bytes;
    const bool narrow = value >= kInt32Min && value <= kInt32Max;
    CHECK(take_varint(left).has_value() == narrow);
  }
}

TEST_CASE("varint: too long or too wide is refused, padding within the width is not") {
  CHECK(refuses_varint("\x80\x80\x80\x80\x80\x01"));
  CHECK(refuses_varint("\x80\x80\x80\x80\x10"));  // bit 33
  CHECK(refuses_varint("\xff\xff\xff\xff\xff"));
  CHECK(refuses_varint(""));
  CHECK_FALSE(refuses_varint("\x82\x80\x80\x80\x01"));
  CHECK_FALSE(refuses_varint(std::string_view("\x82\x00", 2)));
  CHECK(refuses_varlong("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));  // bit 65
  CHECK(refuses_varlong("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
  CHECK_FALSE(refuses_varlong("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

}  // namespace
}  // namespace xylem
