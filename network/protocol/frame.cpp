#include "network/protocol/frame.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::network {

std::optional<FrameType> frame_type_of(std::byte number) noexcept {
  const auto value = std::to_integer<std::uint8_t>(number);
  if (value < static_cast<std::uint8_t>(FrameType::kData) ||
      value > static_cast<std::uint8_t>(FrameType::kDeliveryFailure))
    return std::nullopt;
  return static_cast<FrameType>(value);
}

FrameHeader encode_frame_header(FrameType type, std::uint64_t id, std::size_t payload_bytes) {
  XYLEM_CHECK(payload_bytes <= UINT32_MAX);
  FrameHeader header{};
  const MutableBytes out(header);
  out[0] = static_cast<std::byte>(type);
  store_be(id, out.subspan(1));
  store_be(static_cast<std::uint32_t>(payload_bytes), out.subspan(9));
  return header;
}

Result<std::optional<Frame>> FrameParser::next(Bytes& bytes) {
  if (header_filled_ < header_.size()) {
    const std::size_t taken = std::min(header_.size() - header_filled_, bytes.size());
    std::ranges::copy(bytes.first(taken), header_.data() + header_filled_);
    header_filled_ += taken;
    bytes = bytes.subspan(taken);
    if (header_filled_ < header_.size()) return std::nullopt;
    if (auto started = start_payload(); !started) return pass(started);
  }
  const std::size_t taken = std::min(payload_bytes_ - payload_.size(), bytes.size());
  append(bytes.first(taken), payload_);
  bytes = bytes.subspan(taken);
  if (payload_.size() < payload_bytes_) return std::nullopt;
  header_filled_ = 0;
  Frame frame;
  frame.type = static_cast<FrameType>(header_[0]);
  frame.id = load_be<std::uint64_t>(Bytes(header_).subspan(1));
  if (payload_bytes_ > 0) frame.payload = Slice::own(std::exchange(payload_, {}));
  return frame;
}

Status FrameParser::start_payload() {
  if (!frame_type_of(header_[0]))
    return fail(Errc::kInvalidRequest,
                "unknown frame type " + std::to_string(std::to_integer<int>(header_[0])));
  payload_bytes_ = load_be<std::uint32_t>(Bytes(header_).subspan(9));
  if (payload_bytes_ > payload_bytes_max_)
    return fail(Errc::kMessageTooLarge, "frame of " + std::to_string(payload_bytes_) +
                                            " bytes; at most " +
                                            std::to_string(payload_bytes_max_) + " now");
  payload_.reserve(payload_bytes_);
  return {};
}

}  // namespace xylem::network
