#include "network/protocol/frame.h"

namespace xylem::network {

FrameHeader encode_frame_header(FrameType type, std::uint64_t id, std::size_t payload_bytes) {
  FrameHeader header{};
  const MutableBytes out(header);
  out[0] = static_cast<std::byte>(type);
  store_be(id, out.subspan(1));
  store_be(static_cast<std::uint32_t>(payload_bytes), out.subspan(9));
  return header;
}

}  // namespace xylem::network
