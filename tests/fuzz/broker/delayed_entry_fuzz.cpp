// A record of `__delayed` from any bytes: what is read is written back the same. The first byte is
// how much of the rest is the key.
#include "broker/delayed/parked.h"
#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const xylem::Bytes rest(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const auto key_bytes = std::min<std::size_t>(data[0], rest.size());
  xylem::RecordView record;
  record.offset = xylem::Offset(7);
  record.key = rest.first(key_bytes);
  record.value = rest.subspan(key_bytes);
  const auto entry = xylem::broker::delayed_entry(record);
  const auto original = xylem::broker::original_record(record);
  const bool is_parked = entry && std::holds_alternative<xylem::broker::Parked>(*entry);
  XYLEM_CHECK(is_parked == original.has_value());
  if (!entry) return 0;
  if (const auto* intent = std::get_if<xylem::broker::Intent>(&*entry))
    XYLEM_CHECK(xylem::broker::intent_value(*intent) == xylem::text_of(*record.value));
  return 0;
}
