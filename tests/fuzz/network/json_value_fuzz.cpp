// Any bytes as a JSON value: no crash, and what is accepted encodes to a text that decodes to the
// same.
#include "common/check.h"
#include "network/serializer/serializer.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto serializer = xylem::network::make_json_serializer();
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto value = serializer->decode(bytes);
  if (!value) return 0;
  const auto encoded = serializer->encode(*value);
  XYLEM_CHECK(encoded);
  const auto again = serializer->decode(xylem::bytes_of(*encoded));
  XYLEM_CHECK(again);
  XYLEM_CHECK(*again == *value);
  return 0;
}
