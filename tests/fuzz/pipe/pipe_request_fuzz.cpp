// decode_request on any bytes: no crash, and what it accepts survives being encoded again.
#include "common/check.h"
#include "pipe/messages.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto request = xylem::pipe::decode_request(bytes);
  if (!request) return 0;
  const auto again = xylem::pipe::decode_request(xylem::pipe::encode(*request));
  XYLEM_CHECK(again.has_value() && *again == *request);
  return 0;
}
