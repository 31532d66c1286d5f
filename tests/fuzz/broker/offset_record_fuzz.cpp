// The key and the value of a committed offset from any bytes: what is read is written back the
// same. The first byte is how much of the rest is the key.
#include "broker/groups/offset_record.h"
#include "common/bytes.h"
#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const xylem::Bytes rest(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const auto key_bytes = std::min<std::size_t>(data[0], rest.size());
  const auto key = xylem::text_of(rest.first(key_bytes));
  const auto value = rest.subspan(key_bytes);
  if (const auto where = xylem::broker::decode_key(key))
    XYLEM_CHECK(xylem::broker::encode_key(*where) == key);
  if (const auto offset = xylem::broker::decode_value(value)) {
    const auto again = xylem::broker::encode_value(*offset);
    XYLEM_CHECK(std::ranges::equal(again, value));
  }
  return 0;
}
