// A delivery count from any bytes: what is read is written back the same.
#include "broker/groups/delivery_counts.h"
#include "common/bytes.h"
#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const xylem::Bytes value(reinterpret_cast<const std::byte*>(data), size);
  if (const auto count = xylem::broker::decode_count(value))
    XYLEM_CHECK(std::ranges::equal(xylem::broker::encode_value(*count), value));
  return 0;
}
