// What the null relay speaks: frames of the native protocol at its two ends, and between its hops a
// long poll over HTTP/1.1 whose heads never change their length.
//
//   POST /fetch, body: the cursor, u64    ->    200, body: batches, one after the other
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem::bench {

inline constexpr std::uint8_t kDataFrame = 0x01;
inline constexpr std::uint8_t kAckFrame = 0x02;
inline constexpr std::size_t kFrameHeadBytes = 13;  // type u8, id u64, payload length u32

struct FrameIn {
  std::uint8_t type;
  std::uint64_t id;
  Bytes payload;
  std::size_t bytes;  // of the whole frame
};

[[nodiscard]] Buffer frame_head(std::uint8_t type, std::uint64_t id, std::size_t payload_bytes);

// nullopt, of all three: it has not arrived completely.
[[nodiscard]] std::optional<FrameIn> read_frame(Bytes input);

[[nodiscard]] Buffer poll_request(std::uint64_t cursor);
[[nodiscard]] Buffer poll_answer_head(std::size_t body_bytes);

struct PollIn {
  std::uint64_t cursor;
  std::size_t bytes;
};

struct AnswerIn {
  Bytes body;
  std::size_t bytes;
};

[[nodiscard]] std::optional<PollIn> read_poll(Bytes input);
[[nodiscard]] std::optional<AnswerIn> read_answer(Bytes input);

}  // namespace xylem::bench
