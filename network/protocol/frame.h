// The native protocol's frame, and a parser for a stream of them.
//
//   type u8 | message id u64 | payload length u32 | payload          (big-endian)
//
// A message id pairs an answer with its request; pushed frames carry the subscription's id.
// Limits: a payload over `payload_bytes_max` is refused before anything is allocated for it.
// Errors: kInvalidRequest (unknown type), kMessageTooLarge. After an error the stream is lost.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace xylem::network {

enum class FrameType : std::uint8_t {
  kData = 0x01,
  kAck = 0x02,
  kSubscribe = 0x03,
  kCommitOffset = 0x04,
  kReset = 0x05,
  kReady = 0x06,
  kDisconnect = 0x07,
  kHeartbeat = 0x08,
  kHello = 0x09,
  kError = 0x0A,
  kResetAck = 0x0B,
  kReadyAck = 0x0C,
  kFetch = 0x0D,
  kMetadata = 0x0E,
  kAssignment = 0x0F,
  kAdmin = 0x10,
  kQuorum = 0x11,  // between root brokers only: a message of the metadata quorum
  kGap = 0x12,
  kDeliveryFailure = 0x13,
};

inline constexpr std::size_t kFrameHeaderBytes = 13;
inline constexpr std::size_t kPayloadBytesMax = 16ULL * 1024 * 1024 + 4096;  // a batch, its header
inline constexpr std::size_t kPayloadBytesMaxBeforeHello = 16ULL * 1024;

struct Frame {
  FrameType type = FrameType::kHeartbeat;
  std::uint64_t id = 0;
  Slice payload;
};

using FrameHeader = std::array<std::byte, kFrameHeaderBytes>;
// nullopt: no frame has that type.
std::optional<FrameType> frame_type_of(std::byte number) noexcept;

FrameHeader encode_frame_header(FrameType type, std::uint64_t id, std::size_t payload_bytes);

// Fed with whatever arrived; gives whole frames one by one, so that the limit may change between
// two of them. A payload is copied once, into memory of its own.
class FrameParser {
 public:
  void set_payload_bytes_max(std::size_t bytes) { payload_bytes_max_ = bytes; }

  // Takes bytes from the front of `bytes` until a frame is whole. nullopt: all taken, more needed.
  Result<std::optional<Frame>> next(Bytes& bytes);

 private:
  Status start_payload();

  std::size_t payload_bytes_max_ = kPayloadBytesMaxBeforeHello;
  std::array<std::byte, kFrameHeaderBytes> header_{};
  std::size_t header_filled_ = 0;
  std::size_t payload_bytes_ = 0;  // of the frame in progress
  Buffer payload_;
};

}  // namespace xylem::network
