#include "network/protocol/frame.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace xylem::network {
namespace {

Buffer frame_bytes(FrameType type, std::uint64_t id, std::string_view payload) {
  const auto header = encode_frame_header(type, id, payload.size());
  Buffer bytes(header.begin(), header.end());
  append(bytes_of(payload), bytes);
  return bytes;
}

Errc refusal(FrameParser& parser, Bytes bytes) {
  const auto next = parser.next(bytes);
  REQUIRE_FALSE(next);
  return next.error().code();
}

TEST_CASE("frame: the header on the wire never changes") {
  const auto header = encode_frame_header(FrameType::kAdmin, 0x0102030405060708, 0x00A0B0C0);
  CHECK(text_of(header) ==
        std::string_view("\x10\x01\x02\x03\x04\x05\x06\x07\x08\x00\xA0\xB0\xC0", 13));
}

TEST_CASE("frame: every type of the protocol, and no other") {
  for (int number = 0; number < 256; ++number) {
    CAPTURE(number);
    const auto type = frame_type_of(static_cast<std::byte>(number));
    CHECK(type.has_value() == (number >= 0x01 && number <= 0x13));
    if (type) CHECK(static_cast<int>(*type) == number);
  }
}

TEST_CASE("frame: fed in pieces of any size, the same frames come out") {
  Buffer stream = frame_bytes(FrameType::kHello, 1, "hello");
  append(frame_bytes(FrameType::kHeartbeat, 2, ""), stream);
  append(frame_bytes(FrameType::kData, 3, std::string(300, 'x')), stream);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    CAPTURE(piece);
    FrameParser parser;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      Bytes bytes = Bytes(stream).subspan(at, std::min(piece, stream.size() - at));
      while (!bytes.empty()) {
        auto next = parser.next(bytes);
        REQUIRE(next);
        if (*next) frames.push_back(std::move(**next));
      }
    }
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].type == FrameType::kHello);
    CHECK(text_of(frames[0].payload.bytes) == "hello");
    CHECK(frames[1].type == FrameType::kHeartbeat);
    CHECK(frames[1].payload.bytes.empty());
    CHECK(frames[2].id == 3);
    CHECK(text_of(frames[2].payload.bytes) == std::string(300, 'x'));
  }
}

TEST_CASE("frame: an unknown type is refused at its header") {
  for (const int type : {0x00, 0x14, 0x47, 0xFF}) {
    CAPTURE(type);
    FrameParser parser;
    auto header = encode_frame_header(FrameType::kData, 1, 0);
    header[0] = static_cast<std::byte>(type);
    CHECK(refusal(parser, header) == Errc::kInvalidRequest);
  }
}

TEST_CASE("frame: a huge length is refused by its header alone") {
  FrameParser parser;
  CHECK(refusal(parser, encode_frame_header(FrameType::kData, 1, UINT32_MAX)) ==
        Errc::kMessageTooLarge);
}

TEST_CASE("frame: the limit may grow between two frames of one read") {
  const std::string large(kPayloadBytesMaxBeforeHello + 1, 'x');
  Buffer stream = frame_bytes(FrameType::kHello, 1, "");
  append(frame_bytes(FrameType::kData, 2, large), stream);

  FrameParser parser;
  Bytes bytes(stream);
  REQUIRE(parser.next(bytes));
  FrameParser strict = parser;
  CHECK(refusal(strict, bytes) == Errc::kMessageTooLarge);

  parser.set_payload_bytes_max(kPayloadBytesMax);
  const auto next = parser.next(bytes);
  REQUIRE(next);
  REQUIRE(*next);
  CHECK((*next)->payload.bytes.size() == large.size());
  CHECK(bytes.empty());
}

TEST_CASE("frame: a payload of exactly the limit is taken, one byte more is not") {
  FrameParser parser;
  parser.set_payload_bytes_max(10);
  const Buffer stream = frame_bytes(FrameType::kData, 1, "0123456789");
  Bytes bytes(stream);
  const auto next = parser.next(bytes);
  REQUIRE(next);
  CHECK(*next);
  CHECK(refusal(parser, frame_bytes(FrameType::kData, 1, "0123456789x")) == Errc::kMessageTooLarge);
}

}  // namespace
}  // namespace xylem::network
