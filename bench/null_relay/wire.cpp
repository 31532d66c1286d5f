#include "bench/null_relay/wire.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace xylem::bench {
namespace {

constexpr std::string_view kPollHead =
    "POST /fetch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n";
constexpr std::string_view kAnswerHead = "HTTP/1.1 200 OK\r\nContent-Length: ";
constexpr std::size_t kLengthDigits = 10;
constexpr std::size_t kAnswerHeadBytes = kAnswerHead.size() + kLengthDigits + 4;

}  // namespace

Buffer frame_head(std::uint8_t type, std::uint64_t id, std::size_t payload_bytes) {
  Buffer head{std::byte{type}};
  append_be(id, head);
  append_be(static_cast<std::uint32_t>(payload_bytes), head);
  return head;
}

std::optional<FrameIn> read_frame(Bytes input) {
  if (input.size() < kFrameHeadBytes) return std::nullopt;
  const std::size_t length = load_be<std::uint32_t>(input.subspan(9));
  if (input.size() < kFrameHeadBytes + length) return std::nullopt;
  return FrameIn{std::to_integer<std::uint8_t>(input[0]), load_be<std::uint64_t>(input.subspan(1)),
                 input.subspan(kFrameHeadBytes, length), kFrameHeadBytes + length};
}

Buffer poll_request(std::uint64_t cursor) {
  Buffer request;
  append(bytes_of(kPollHead), request);
  append_be(cursor, request);
  return request;
}

Buffer poll_answer_head(std::size_t body_bytes) {
  std::array<char, kLengthDigits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%010zu", body_bytes);
  Buffer head;
  append(bytes_of(kAnswerHead), head);
  append(bytes_of({digits.data(), kLengthDigits}), head);
  append(bytes_of("\r\n\r\n"), head);
  return head;
}

std::optional<PollIn> read_poll(Bytes input) {
  constexpr auto kBytes = kPollHead.size() + sizeof(std::uint64_t);
  if (input.size() < kBytes) return std::nullopt;
  return PollIn{load_be<std::uint64_t>(input.subspan(kPollHead.size())), kBytes};
}

std::optional<AnswerIn> read_answer(Bytes input) {
  if (input.size() < kAnswerHeadBytes) return std::nullopt;
  const auto digits = text_of(input.subspan(kAnswerHead.size(), kLengthDigits));
  std::size_t length = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (input.size() < kAnswerHeadBytes + length) return std::nullopt;
  return AnswerIn{input.subspan(kAnswerHeadBytes, length), kAnswerHeadBytes + length};
}

}  // namespace xylem::bench
